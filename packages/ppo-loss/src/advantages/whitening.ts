// Whitening: advantages of a batch shifted to mean 0 and scaled to variance 1 over its response tokens.
import { NumericError } from "@longcot/errors";

import { checkFinite, checkRowCount } from "../row-values.ts";
import { checkFiniteTokens, checkTokenLayout } from "../token-layout.ts";
import type { TokenLayout, TokenRows } from "../token-layout.ts";

export interface WhiteningOptions {
  /** `false` scales around the mean and keeps it. Default `true`. */
  readonly shiftMean?: boolean | undefined;
}

/**
 * Returns `(x − mean) / sqrt(var + 1e-8)` per token (plus the mean, without `shiftMean`), mean and sample variance over response tokens.
 *
 * Shapes: `values`, `mask` and the result [tokens]. Mask: only response tokens enter the statistics; other entries are transformed alike.
 * Precision: float64.
 *
 * @throws NumericError with fewer than two response tokens, which have no variance.
 * Source: verl 0.9.1 utils/torch_functional.py, `masked_whiten`.
 */
export function whitenTokens({
  values,
  shiftMean = true,
  ...layout
}: { readonly values: ArrayLike<number> } & TokenLayout & WhiteningOptions): Float64Array {
  const who = "whitenTokens";
  const rows = checkTokenLayout(who, layout);
  checkFiniteTokens(who, "values", values, rows);
  return whiten(who, values, (token) => (rows.isResponse(token) ? 1 : 0), shiftMean);
}

/**
 * {@link whitenTokens} for advantages that are one per response: every token of response j weighs the same, so that the statistics weigh rows
 * by their `lengths` in tokens.
 *
 * Shapes: `advantages`, `lengths` and the result [rows].
 * @throws NumericError with fewer than two response tokens.
 *
 * @example whitenRows({ advantages: [1, 0], lengths: [1, 1] }) // [0.7071068, -0.7071068]
 */
export function whitenRows({
  advantages,
  lengths,
  shiftMean = true,
}: { readonly advantages: ArrayLike<number>; readonly lengths: ArrayLike<number> } & WhiteningOptions): Float64Array {
  const who = "whitenRows";
  checkRowCount(who, "lengths", lengths, advantages.length);
  checkFinite(who, "advantages", advantages);
  checkFinite(who, "lengths", lengths);
  return whiten(who, advantages, (row) => lengths[row]!, shiftMean);
}

function whiten(who: string, values: ArrayLike<number>, weightOf: (index: number) => number, shiftMean: boolean): Float64Array {
  let [count, sum] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const weight = weightOf(i);
    if (weight === 0) continue;
    count += weight;
    sum += weight * values[i]!;
  }
  if (count < 2)
    throw new NumericError({ who, argument: "mask", expected: "two response tokens or more, to have a variance", received: String(count) });
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const weight = weightOf(i);
    if (weight !== 0) squares += weight * (values[i]! - mean) ** 2;
  }
  const scale = 1 / Math.sqrt(squares / (count - 1) + VARIANCE_FLOOR);
  return Float64Array.from(values, (value) => (value - mean) * scale + (shiftMean ? 0 : mean));
}

/** As verl: keeps equal advantages at 0 instead of 0/0. */
const VARIANCE_FLOOR = 1e-8;

/** `values` whitened over the response tokens of `rows`; what an estimator does as its last step. */
export function whitenOver(who: string, values: ArrayLike<number>, rows: TokenRows): Float64Array {
  return whiten(who, values, (token) => (rows.isResponse(token) ? 1 : 0), true);
}
