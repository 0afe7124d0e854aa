// Preference pairs of files as tokens.
import { loadPreferences } from "@longcot/data-filter";
import { encodeExample } from "@longcot/distillation";
import { DataError } from "@longcot/errors";
import type { Tokenizer } from "@longcot/language-model";
import type { TokenPair } from "@longcot/reward-model";

/** A pair with what its measures are told apart by. */
export interface EncodedPair extends TokenPair {
  /** Tokens of the answers, the end token included. */
  chosenLength: number;
  rejectedLength: number;
}

/**
 * The pairs of `paths`; rows that cannot be used and pairs longer than `most` tokens are left out and told of by `warn`.
 * @throws DataError where no pair is left.
 */
export async function loadTokenPairs(
  paths: string | readonly string[],
  { tokenizer, most, useMargins, warn }: { tokenizer: Tokenizer; most: number; useMargins: boolean; warn: (text: string) => void },
): Promise<EncodedPair[]> {
  const { rows, rejected } = await loadPreferences(paths, { onInvalid: "reject" });
  const who = [paths].flat().join(", ");
  const [first] = rejected;
  if (first !== undefined)
    warn(
      `${rejected.length} of ${rows.length + rejected.length} pairs left out; first: row ${first.row}, ${first.column} must be ${first.expected}, got ${first.received}`,
    );
  if (useMargins && rows.every(({ margin }) => margin === undefined))
    throw new DataError({ who, argument: "margin", expected: "a column of numbers, since loss.margin is true", received: "none" });
  const pairs = rows.map(({ prompt, chosen, rejected: worse, margin }): EncodedPair => {
    const encode = (content: string) => encodeExample(tokenizer, { messages: [...prompt, { role: "assistant", content }] });
    const [better, other] = [encode(chosen), encode(worse)];
    return {
      chosen: better.tokens,
      rejected: other.tokens,
      chosenLength: better.tokens.length - better.promptLength,
      rejectedLength: other.tokens.length - other.promptLength,
      ...(useMargins && margin !== undefined ? { margin } : {}),
    };
  });
  const fitting = pairs.filter(({ chosen, rejected: worse }) => Math.max(chosen.length, worse.length) <= most);
  if (fitting.length < pairs.length)
    warn(`${pairs.length - fitting.length} of ${pairs.length} pairs are longer than ${most} tokens and left out`);
  if (fitting.length === 0)
    throw new DataError({ who, expected: `a pair of at most ${most} tokens`, received: `${pairs.length}, all longer` });
  return fitting;
}
