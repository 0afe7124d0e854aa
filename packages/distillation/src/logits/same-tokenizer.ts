// Whether a teacher's token ids mean what the student's do: log-probabilities of other tokens would teach nonsense.
import { ConfigError } from "@longcot/errors";
import type { Tokenizer } from "@longcot/language-model";

/**
 * Passes where every id of either tokenizer is the same token in both. Ids behind the last token of one (rows that only fill an embedding) are no matter.
 * @throws ConfigError that names both and the first id that differs.
 */
export function checkSameTokenizer(teacher: { name: string; tokenizer: Tokenizer }, student: { name: string; tokenizer: Tokenizer }): void {
  const last = Math.max(teacher.tokenizer.largestTokenId, student.tokenizer.largestTokenId);
  for (let id = 0; id <= last; id++) {
    const [theirs, ours] = [teacher.tokenizer.idToToken(id), student.tokenizer.idToToken(id)];
    if (theirs === ours) continue;
    const word = (token: string | undefined) => (token === undefined ? "no token" : JSON.stringify(token));
    throw new ConfigError({
      who: `teacher ${teacher.name}`,
      argument: "tokenizer",
      expected: `that of the student ${student.name}, where token ${id} is ${word(ours)}`,
      received: word(theirs),
      fix: "Distil its answers as text instead: longcot distill, then longcot sft",
    });
  }
}
