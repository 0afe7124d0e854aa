// Mean entropy by where in its response a token stands: ten equal stretches of every response, whatever its length.
import { NumericError } from "@longcot/errors";

import { checkOffsets, checkTokenCount } from "./token-columns.ts";
import type { TokenMask } from "./token-columns.ts";

/** Stretches that a response is cut into. */
export const POSITION_DECILES = 10;

/**
 * Returns the token-mean of `values` in each decile of relative position: token t of a response of n tokens is in decile
 * ⌊10·t / n⌋. Works for entropies, −log-probabilities, or anything else that tokens have. A decile without a counted token is `undefined`.
 *
 * Shapes: `values` [tokens], `offsets` [rows + 1], `mask` [tokens]. Precision: float64 sums.
 *
 * @throws ShapeError when lengths do not fit. @throws NumericError on a counted value that is not finite.
 */
export function meanByPosition(
  columns: { readonly values: ArrayLike<number>; readonly offsets: ArrayLike<number> } & TokenMask,
): (number | undefined)[] {
  const who = "meanByPosition";
  const { values, offsets, mask } = columns;
  checkOffsets(who, offsets, offsets.length - 1, values.length);
  checkTokenCount(who, "mask", mask, values.length);
  const sums = new Float64Array(POSITION_DECILES);
  const counts = new Float64Array(POSITION_DECILES);
  for (let row = 0; row + 1 < offsets.length; row++) {
    const [start, end] = [offsets[row]!, offsets[row + 1]!];
    for (let token = start; token < end; token++) {
      if (mask !== undefined && !(mask[token]! > 0)) continue;
      const decile = Math.floor((POSITION_DECILES * (token - start)) / (end - start));
      sums[decile]! += values[token]!;
      counts[decile]!++;
    }
  }
  const bad = sums.findIndex((sum) => !Number.isFinite(sum));
  if (bad >= 0)
    throw new NumericError({ who, argument: `values of decile ${bad + 1}`, expected: "finite", received: `a sum of ${sums[bad]}` });
  return Array.from(sums, (sum, decile) => (counts[decile] === 0 ? undefined : sum / counts[decile]!));
}
