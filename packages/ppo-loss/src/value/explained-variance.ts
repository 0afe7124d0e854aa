// How much of the returns' variance a critic explains.
import { checkFiniteTokens, checkTokenLayout } from "../token-layout.ts";
import type { TokenLayout } from "../token-layout.ts";

/**
 * Returns `1 − Var(returns − values) / (Var(returns) + 1e-5)` over response tokens: 1 for a perfect critic, 0 for one that knows the mean,
 * below 0 for one that does harm. Sample variances. Needs two response tokens: NaN with fewer.
 *
 * Shapes: `returns`, `values`, `mask` [tokens]. Precision: float64.
 * @throws ShapeError when lengths differ. @throws NumericError on a response token's value that is not finite.
 * Source: verl 0.9.1 trainer/ppo/metric_utils.py, `critic/vf_explained_var`.
 *
 * @example explainedVariance({ returns: [0, 1], values: [0, 1], offsets: [0, 2] }) // 1
 */
export function explainedVariance(
  options: { readonly returns: ArrayLike<number>; readonly values: ArrayLike<number> } & TokenLayout,
): number {
  const who = "explainedVariance";
  const { returns, values } = options;
  const rows = checkTokenLayout(who, options);
  checkFiniteTokens(who, "returns", returns, rows);
  checkFiniteTokens(who, "values", values, rows);
  const tokens = Array.from({ length: rows.tokenCount }, (_, token) => token).filter((token) => rows.isResponse(token));
  const errors = tokens.map((token) => returns[token]! - values[token]!);
  return 1 - variance(errors) / (variance(tokens.map((token) => returns[token]!)) + VARIANCE_FLOOR);
}

/** As verl: keeps returns that are all equal from dividing by 0. */
const VARIANCE_FLOOR = 1e-5;

function variance(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}
