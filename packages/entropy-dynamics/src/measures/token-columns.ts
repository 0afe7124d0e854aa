// Flat token columns with an optional mask and row offsets, and the checks of their lengths.
import { NumericError, ShapeError } from "@longcot/errors";

/** Which tokens count: a token counts when its mask is above 0; absent, every token counts. */
export interface TokenMask {
  /** [tokens]. */
  readonly mask?: ArrayLike<number>;
}

/** Throws a ShapeError unless `values` has `tokens` entries. */
export function checkTokenCount(who: string, argument: string, values: ArrayLike<unknown> | undefined, tokens: number): void {
  if (values !== undefined && values.length !== tokens) {
    throw new ShapeError({
      who,
      argument,
      expected: `one entry per token (${tokens})`,
      received: `${values.length} entries`,
    });
  }
}

/**
 * Checks that `offsets` cut `tokens` tokens into rows: row i is `[offsets[i], offsets[i+1])`. Ragged rows come so from
 * a list column; padded `[batch, time]` rows have the offsets `i * time`.
 *
 * @throws ShapeError when offsets do not start at 0, do not end at `tokens`, or go down.
 */
export function checkOffsets(who: string, offsets: ArrayLike<number>, rows: number, tokens: number): void {
  if (offsets.length !== rows + 1) {
    throw new ShapeError({
      who,
      argument: "offsets",
      expected: `one entry per row and one more (${rows + 1})`,
      received: `${offsets.length} entries`,
    });
  }
  if (offsets[0] !== 0 || offsets[rows] !== tokens) {
    throw new ShapeError({
      who,
      argument: "offsets",
      expected: `from 0 to ${tokens}`,
      received: `from ${offsets[0]} to ${offsets[rows]}`,
    });
  }
  for (let row = 0; row < rows; row++) {
    if (!(offsets[row]! <= offsets[row + 1]!)) {
      throw new ShapeError({
        who,
        argument: `offsets[${row + 1}]`,
        expected: `at least ${offsets[row]}`,
        received: String(offsets[row + 1]),
      });
    }
  }
}

/**
 * Returns the mean of `value(token)` over the tokens in the mask, accumulated in float64.
 *
 * @throws NumericError when no token counts or the mean is not finite.
 */
export function meanOverTokens(who: string, tokens: number, mask: ArrayLike<number> | undefined, value: (token: number) => number): number {
  let sum = 0;
  let count = 0;
  for (let token = 0; token < tokens; token++) {
    if (mask !== undefined && !(mask[token]! > 0)) continue;
    sum += value(token);
    count++;
  }
  if (count === 0)
    throw new NumericError({
      who,
      argument: "mask",
      expected: "at least one token",
      received: `none of ${tokens}`,
    });
  if (!Number.isFinite(sum))
    throw new NumericError({
      who,
      expected: "finite values on every counted token",
      received: `a sum of ${sum}`,
    });
  return sum / count;
}
