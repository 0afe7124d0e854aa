// GPG's advantages: centred rewards, scaled up by the share of responses that earned something.
import type { GroupLayout } from "../group-layout.ts";
import { checkNumber } from "../option-checks.ts";
import { estimateByGroup, meanAndStd } from "./group-estimate.ts";
import type { GroupRewards, RowAdvantages } from "./group-estimate.ts";

export interface GpgAdvantageOptions extends GroupRewards {
  /** F_norm: what the centred reward is divided by. Default 1. */
  readonly normalizer?: number | undefined;
}

/**
 * Returns `A = α (r − mean) / F_norm` per response, mean over its group, `α = rows / number of rewards that are not 0` (at least 1 of them).
 *
 * Shapes: `rewards`, `truncated`, `groups` and the result share the length [rows].
 * Reduction: α is over the whole batch; a group of one response has mean 0. Precision: float64.
 *
 * @throws ConfigError on a normalizer that is not above 0. @throws ShapeError, NumericError, ConfigError as every estimator over groups.
 * Source: arXiv 2504.02546; α as verl 0.9.1 trainer/ppo/core_algos.py, `gpg`.
 *
 * @example gpgAdvantages({ rewards: [1, 0, 0, 0], groupSize: 2 }).advantages // [2, -2, 0, 0]
 */
export function gpgAdvantages(options: GpgAdvantageOptions & GroupLayout): RowAdvantages {
  const { rewards: all, normalizer = 1 } = options;
  checkNumber("gpgAdvantages", "normalizer", normalizer, { least: 0, exclusive: true });
  const earning = Array.from(all).filter((reward) => reward !== 0).length;
  const scale = all.length / Math.max(1, earning) / normalizer;
  return estimateByGroup("gpgAdvantages", options, ({ rewards }) => {
    const mean = rewards.length === 1 ? 0 : meanAndStd(rewards).mean;
    return rewards.map((reward) => scale * (reward - mean));
  });
}
