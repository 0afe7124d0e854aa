// ReMax: returns minus the reward that the greedy response to the same prompt earned.
import { checkFinite, checkRowCount } from "../row-values.ts";
import { checkTokenRewards, rewardsToGo } from "./token-estimate.ts";
import type { TokenAdvantages, TokenRewards } from "./token-estimate.ts";

export interface RemaxOptions extends TokenRewards {
  /** [rows], reward of the greedy response to each row's prompt. */
  readonly baselines: ArrayLike<number>;
}

/**
 * Returns `A_t = Σ_{s ≥ t} r_s − b` on response tokens, b the baseline of the row.
 *
 * Shapes: `tokenRewards`, `mask` and both results [tokens], `baselines` [rows]. Precision: float64.
 *
 * @throws ShapeError when lengths differ. @throws NumericError on a reward or baseline that is not finite.
 * Source: arXiv 2310.10505; verl 0.9.1 trainer/ppo/core_algos.py, `remax`.
 *
 * @example remaxAdvantages({ tokenRewards: [0, 1], baselines: [0.25], offsets: [0, 2] }).advantages // [0.75, 0.75]
 */
export function remaxAdvantages(options: RemaxOptions): TokenAdvantages {
  const who = "remaxAdvantages";
  const { tokenRewards, baselines } = options;
  const rows = checkTokenRewards(who, options);
  checkRowCount(who, "baselines", baselines, rows.rowCount);
  checkFinite(who, "baselines", baselines);
  const returns = rewardsToGo(tokenRewards, rows);
  const advantages = returns.slice();
  for (let row = 0; row < rows.rowCount; row++) {
    const { from, to } = rows.span(row);
    for (let token = from; token < to; token++) if (rows.isResponse(token)) advantages[token]! -= baselines[row]!;
  }
  return { advantages, returns };
}
