// OPO: the variance-optimal baseline of an on-policy group, its rewards averaged with response lengths as weights.
import type { GroupLayout } from "../group-layout.ts";
import { checkFinite, checkRowCount } from "../row-values.ts";
import { estimateByGroup } from "./group-estimate.ts";
import type { GroupRewards, RowAdvantages } from "./group-estimate.ts";

export interface OpoAdvantageOptions extends GroupRewards {
  /** [rows], response tokens of each response. */
  readonly lengths: ArrayLike<number>;
}

/**
 * Returns `A_j = r_j − Σ l·r / Σ l` per response, sums over its group, l the response length in tokens.
 *
 * Shapes: `rewards`, `lengths`, `truncated`, `groups` and the result share the length [rows].
 * Reduction: a group of one response, or without tokens, has baseline 0. Precision: float64; equal rewards give exactly 0.
 *
 * @throws ShapeError, NumericError, ConfigError as every estimator over groups.
 * Source: arXiv 2505.23585; verl 0.9.1 trainer/ppo/core_algos.py, `opo`.
 *
 * @example opoAdvantages({ rewards: [1, 0], lengths: [3, 1], groupSize: 2 }).advantages // [0.25, -0.75]
 */
export function opoAdvantages(options: OpoAdvantageOptions & GroupLayout): RowAdvantages {
  const who = "opoAdvantages";
  const { lengths } = options;
  checkRowCount(who, "lengths", lengths, options.rewards.length);
  checkFinite(who, "lengths", lengths);
  return estimateByGroup(who, options, ({ rewards, rows }) => {
    const tokens = rows.reduce((sum, row) => sum + lengths[row]!, 0);
    if (rewards.length === 1 || tokens === 0) return rewards;
    // r_j − Σ l·r / Σ l, summed as differences so that equal rewards cancel exactly.
    return rewards.map((reward) => rows.reduce((sum, row, i) => sum + lengths[row]! * (reward - rewards[i]!), 0) / tokens);
  });
}
