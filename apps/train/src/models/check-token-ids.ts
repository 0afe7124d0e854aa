// Whether the token ids of a row are ones that the model has, and few enough.
import type { ModelConfig } from "@longcot/language-model";
import { rowError } from "./jsonl-rows.ts";

/** @throws DataError naming the row's line where an id is not in the vocabulary, or there are more than `most`. */
export function checkTokenIds(
  ids: ArrayLike<number>,
  {
    path,
    line,
    argument,
    vocabSize,
    most,
  }: { path: string; line: number; argument: string; most: number } & Pick<ModelConfig, "vocabSize">,
): void {
  for (let i = 0; i < ids.length; i++) {
    if (ids[i]! >= vocabSize)
      throw rowError(path, line, {
        argument: `${argument}[${i}]`,
        expected: `below the model's vocab_size of ${vocabSize}`,
        received: String(ids[i]),
      });
  }
  if (ids.length > most)
    throw rowError(path, line, {
      argument,
      expected: `at most ${most} tokens long, as the model's positions allow`,
      received: String(ids.length),
    });
}
