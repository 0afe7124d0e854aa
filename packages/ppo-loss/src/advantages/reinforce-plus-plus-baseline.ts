// REINFORCE++-baseline: rewards centred in their group, then whitened over the tokens of the whole batch.
import type { GroupLayout } from "../group-layout.ts";
import { estimateByGroup, meanAndStd } from "./group-estimate.ts";
import type { GroupRewards, RowAdvantages } from "./group-estimate.ts";
import { whitenRows } from "./whitening.ts";

export interface ReinforcePlusPlusBaselineOptions extends GroupRewards {
  /** [rows], response tokens of each response: its weight in the batch's mean and variance. */
  readonly lengths: ArrayLike<number>;
}

/**
 * Returns `A = whiten(r − mean)` per response: mean over its group, whitening over the response tokens of the batch.
 *
 * Shapes: `rewards`, `lengths`, `truncated`, `groups` and the result share the length [rows].
 * Reduction: a group of one response has mean 0. A response that the truncation mask takes out is left out of the whitening too and has 0.
 * Precision: float64.
 *
 * @throws NumericError with fewer than two response tokens. @throws ShapeError, NumericError, ConfigError as every estimator over groups.
 * Source: arXiv 2501.03262; verl 0.9.1 trainer/ppo/core_algos.py, `reinforce_plus_plus_baseline`.
 *
 * @example reinforcePlusPlusBaselineAdvantages({ rewards: [1, 0], lengths: [1, 1], groupSize: 2 }).advantages // [0.7071068, -0.7071068]
 */
export function reinforcePlusPlusBaselineAdvantages(options: ReinforcePlusPlusBaselineOptions & GroupLayout): RowAdvantages {
  const { lengths, truncated, truncationMask = "none" } = options;
  const { advantages: centred } = estimateByGroup("reinforcePlusPlusBaselineAdvantages", options, ({ rewards }) => {
    const mean = rewards.length === 1 ? 0 : meanAndStd(rewards).mean;
    return rewards.map((reward) => reward - mean);
  });
  const isMasked = (row: number): boolean => truncationMask !== "none" && Boolean(truncated![row]);
  const whitened = whitenRows({ advantages: centred, lengths: Float64Array.from(lengths, (length, row) => (isMasked(row) ? 0 : length)) });
  return { advantages: whitened.map((advantage, row) => (isMasked(row) ? 0 : advantage)) };
}
