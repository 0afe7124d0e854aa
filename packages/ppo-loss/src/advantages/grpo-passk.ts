// Pass@k-GRPO: only the best response of a group is reinforced, by its lead over the second best.
import { ConfigError } from "@longcot/errors";

import type { GroupLayout } from "../group-layout.ts";
import { checkNumber } from "../option-checks.ts";
import { estimateByGroup, meanAndStd } from "./group-estimate.ts";
import type { RowAdvantages } from "./group-estimate.ts";
import type { GrpoAdvantageOptions } from "./grpo.ts";

/**
 * Returns, for the best response of each group, `A = (r_max − r_second) / (std + epsilon)`, and 0 for all others; a tie for the best
 * gives 0 everywhere. Without `normalizeByStd` the lead itself.
 *
 * Shapes: `rewards`, `truncated`, `groups` and the result share the length [rows]. Precision: float64.
 *
 * @throws ConfigError on a group of one (counted) response: a lead needs two.
 * @throws ShapeError, NumericError, ConfigError as every estimator over groups.
 * Source: arXiv 2503.19595; verl 0.9.1 trainer/ppo/core_algos.py, `grpo_passk`.
 *
 * @example grpoPasskAdvantages({ rewards: [1, 0, 0, 0], groupSize: 4 }).advantages // [1.999996, 0, 0, 0]
 */
export function grpoPasskAdvantages(options: GrpoAdvantageOptions & GroupLayout): RowAdvantages {
  const who = "grpoPasskAdvantages";
  const { epsilon = 1e-6, normalizeByStd = true } = options;
  checkNumber(who, "epsilon", epsilon, { least: 0 });
  return estimateByGroup(who, options, ({ rewards, rows }) => {
    if (rewards.length < 2)
      throw new ConfigError({
        who,
        argument: "groups",
        expected: "of at least two responses",
        received: `row ${rows[0]} alone in its group`,
      });
    const [second, first] = rewards.toSorted((a, b) => a - b).slice(-2) as [number, number];
    if (first === second) return rewards.map(() => 0);
    const lead = (first - second) / (normalizeByStd ? meanAndStd(rewards).std + epsilon : 1);
    return rewards.map((reward) => (reward === first ? lead : 0));
  });
}
