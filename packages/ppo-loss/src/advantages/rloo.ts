// RLOO: each response against the mean of the others in its group.
import type { GroupLayout } from "../group-layout.ts";
import { checkChoice } from "../option-checks.ts";
import { estimateByGroup } from "./group-estimate.ts";
import type { GroupRewards, RowAdvantages } from "./group-estimate.ts";

export interface RlooAdvantageOptions extends GroupRewards {
  /** Advantage of a response alone in its group: its `reward` (verl's `rloo`) or `zero` (verl's `rloo_vectorized`). Default `reward`. */
  readonly loneResponse?: "reward" | "zero" | undefined;
}

/**
 * Returns `A_j = r_j − mean of r over the other n − 1 responses` per response.
 *
 * Shapes: `rewards`, `truncated`, `groups` and the result share the length [rows]. Precision: float64; equal rewards give exactly 0.
 *
 * @throws ShapeError, NumericError, ConfigError as every estimator over groups.
 * Source: arXiv 2402.14740; verl 0.9.1 trainer/ppo/core_algos.py, `rloo`.
 *
 * @example rlooAdvantages({ rewards: [1, 0, 0], groupSize: 3 }).advantages // [1, -0.5, -0.5]
 */
export function rlooAdvantages(options: RlooAdvantageOptions & GroupLayout): RowAdvantages {
  const { loneResponse = "reward" } = options;
  checkChoice("rlooAdvantages", "loneResponse", loneResponse, ["reward", "zero"]);
  return estimateByGroup("rlooAdvantages", options, ({ rewards }) => {
    if (rewards.length === 1) return loneResponse === "reward" ? rewards : [0];
    // r_j − (S − r_j)/(n − 1), summed as differences so that equal rewards cancel exactly.
    return rewards.map((reward) => rewards.reduce((sum, other) => sum + (reward - other), 0) / (rewards.length - 1));
  });
}
