// The one denominator of a batch: how many response tokens its loss averages over.
import { NumericError } from "@longcot/errors";

/**
 * Returns the number of entries of `mask` that are above 0: T_k of eq. 3.1 when `mask` covers all kept rows of the
 * step. Count it once per update, before splitting into micro-batches, and pass it to each of them.
 *
 * @throws NumericError when no token is left, because no mean exists: skip the update instead.
 */
export function countResponseTokens(mask: ArrayLike<number>): number {
  let count = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i]! > 0) count++;
  if (count === 0) {
    throw new NumericError({
      who: "countResponseTokens",
      argument: "mask",
      expected: "at least one token to average over",
      received: `${mask.length} entries, none above 0`,
      fix: "Skip the update of a batch without kept tokens",
    });
  }
  return count;
}
