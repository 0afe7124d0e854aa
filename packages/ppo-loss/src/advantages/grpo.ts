// GRPO's group-normalised advantages: how much better a response is than its group, in group standard deviations.
import type { GroupLayout } from "../group-layout.ts";
import { checkNumber } from "../option-checks.ts";
import { estimateByGroup, meanAndStd } from "./group-estimate.ts";
import type { GroupRewards, RowAdvantages } from "./group-estimate.ts";

export interface GrpoAdvantageOptions extends GroupRewards {
  /** Added to the standard deviation. Default 1e-6. */
  readonly epsilon?: number | undefined;
  /** `false` only subtracts the mean (Dr. GRPO). Default `true`. */
  readonly normalizeByStd?: boolean | undefined;
}

/**
 * Returns `A = (r − mean) / (std + epsilon)` per response, mean and sample standard deviation over its group.
 *
 * Shapes: `rewards`, `truncated`, `groups` and the result share the length [rows].
 * Reduction: over the members of a group; a group whose statistics rest on one member has mean 0 and std 1, so that its advantage is
 * the raw reward. A group whose rewards are all equal gets exactly 0.
 * Precision: float64, two passes.
 *
 * @throws ShapeError, NumericError, ConfigError as every estimator over groups, and ConfigError on a negative epsilon.
 * Source: arXiv 2402.03300; arXiv 2505.22312 eq. 2.5 and §3.2.3 (masks); std + 1e-6 and the one-member rule as in
 * SkyworkAI/Skywork-OR1 verl/trainer/ppo/core_algos.py; without std arXiv 2503.20783.
 *
 * @example grpoAdvantages({ rewards: [1, 0, 0, 0], groupSize: 4 }).advantages // [1.499997, -0.499999, -0.499999, -0.499999]
 */
export function grpoAdvantages(options: GrpoAdvantageOptions & GroupLayout): RowAdvantages {
  const { epsilon = 1e-6, normalizeByStd = true } = options;
  checkNumber("grpoAdvantages", "epsilon", epsilon, { least: 0 });
  return estimateByGroup("grpoAdvantages", options, ({ rewards }) => {
    const { mean, std } = rewards.length === 1 ? { mean: 0, std: 1 } : meanAndStd(rewards);
    const scale = normalizeByStd ? std + epsilon : 1;
    return rewards.map((reward) => (reward === mean ? 0 : (reward - mean) / scale));
  });
}
