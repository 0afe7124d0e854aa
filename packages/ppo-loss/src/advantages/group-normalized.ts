// Group-normalised advantages (GRPO, MAGIC): how much better a response is than its group, in group standard deviations.
import { ConfigError } from "@longcot/errors";

import { checkGroupLayout } from "../group-layout.ts";
import type { GroupLayout } from "../group-layout.ts";
import { checkFinite, checkRowCount } from "../row-values.ts";

/**
 * What a truncated response does to its group's statistics and to itself.
 * - `none`: nothing special (the paper's final recipe).
 * - `before`: left out of mean and standard deviation, advantage 0.
 * - `after`: counted in mean and standard deviation, advantage 0.
 */
export type TruncationMask = "none" | "before" | "after";

/** Every accepted {@link TruncationMask}. */
export const truncationMasks: readonly TruncationMask[] = ["none", "before", "after"];

export interface GroupAdvantageOptions {
  /** Outcome reward of each response. */
  readonly rewards: ArrayLike<number>;
  /** Whether each response hit the context cap; needed unless `truncationMask` is `none`. */
  readonly truncated?: ArrayLike<number | boolean>;
  /** Default `none`. */
  readonly truncationMask?: TruncationMask;
  /** Added to the standard deviation. Default 1e-6. */
  readonly epsilon?: number;
  /** `false` only subtracts the mean (Dr. GRPO). Default `true`. */
  readonly normalizeByStd?: boolean;
}

/** Statistics of one group, as used for its advantages. */
export interface GroupStatistics {
  readonly group: number;
  /** Responses in the group. */
  readonly rows: number;
  /** Responses that `mean` and `std` rest on; fewer than `rows` only under the mask `before`. */
  readonly counted: number;
  /** 0 when `counted` is 0 or 1. */
  readonly mean: number;
  /** Sample standard deviation (divides by `counted - 1`); 1 when `counted` is 0 or 1. */
  readonly std: number;
}

export interface GroupAdvantages {
  /** [rows], one per response: every token of a response has the same advantage. */
  readonly advantages: Float64Array;
  /** One per group, in order of first appearance. */
  readonly groups: readonly GroupStatistics[];
}

/**
 * Returns `A = (r - mean) / (std + epsilon)` per response, mean and sample standard deviation over its group.
 *
 * Shapes: `rewards`, `truncated`, `groups` and the result share the length [rows].
 * Reduction: over the members of a group; a group whose statistics rest on one member has mean 0 and std 1, so that
 * its advantage is the raw reward. A group whose rewards are all equal gets exactly 0.
 * Precision: float64, two passes.
 *
 * @throws ShapeError when lengths differ. @throws NumericError on a reward that is not finite.
 * @throws ConfigError on an unknown mask, a mask without `truncated`, or a negative epsilon.
 * Source: arXiv 2505.22312 eq. 2.5 and §3.2.3 (masks); std + 1e-6 and the one-member rule as in
 * SkyworkAI/Skywork-OR1 verl/trainer/ppo/core_algos.py.
 *
 * @example groupAdvantages({ rewards: [1, 0, 0, 0], groupSize: 4 }).advantages // [1.499997, -0.499999, -0.499999, -0.499999]
 */
export function groupAdvantages(options: GroupAdvantageOptions & GroupLayout): GroupAdvantages {
  const who = "groupAdvantages";
  const { rewards, truncated, truncationMask = "none", epsilon = 1e-6, normalizeByStd = true } = options;
  const layout = checkGroupLayout(who, options, rewards.length);
  checkFinite(who, "rewards", rewards);
  if (!truncationMasks.includes(truncationMask)) {
    throw new ConfigError({
      who,
      argument: "truncationMask",
      expected: `one of ${truncationMasks.join(", ")}`,
      received: String(truncationMask),
    });
  }
  if (!(epsilon >= 0))
    throw new ConfigError({
      who,
      argument: "epsilon",
      expected: "zero or more",
      received: String(epsilon),
    });
  if (truncated !== undefined) checkRowCount(who, "truncated", truncated, rewards.length);
  else if (truncationMask !== "none") {
    throw new ConfigError({
      who,
      argument: "truncated",
      expected: `given for the mask "${truncationMask}"`,
      received: "nothing",
    });
  }

  const isMasked = (row: number) => truncationMask !== "none" && Boolean(truncated![row]);
  const advantages = new Float64Array(rewards.length);
  const groups = layout.rows.map((rows, index): GroupStatistics => {
    const counted = truncationMask === "before" ? rows.filter((row) => !isMasked(row)) : rows;
    const { mean, std } = meanAndStd(counted.map((row) => rewards[row]!));
    const scale = normalizeByStd ? std + epsilon : 1;
    for (const row of rows) {
      const centred = rewards[row]! - mean;
      advantages[row] = isMasked(row) || centred === 0 ? 0 : centred / scale;
    }
    return { group: layout.ids[index]!, rows: rows.length, counted: counted.length, mean, std };
  });
  return { advantages, groups };
}

/** Mean and sample standard deviation; (0, 1) for fewer than two values; exactly (value, 0) when all are equal. */
function meanAndStd(values: readonly number[]): { mean: number; std: number } {
  if (values.length < 2) return { mean: 0, std: 1 };
  const first = values[0]!;
  if (values.every((value) => value === first)) return { mean: first, std: 0 };
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { mean, std: Math.sqrt(squares / (values.length - 1)) };
}
