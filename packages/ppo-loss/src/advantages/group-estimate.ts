// What every estimator over groups shares: its inputs, the truncation masks, and one advantage per response.
import { ConfigError } from "@longcot/errors";

import { checkGroupLayout } from "../group-layout.ts";
import type { GroupLayout } from "../group-layout.ts";
import { checkChoice } from "../option-checks.ts";
import { checkFinite, checkRowCount } from "../row-values.ts";

/**
 * What a truncated response does to its group's statistics and to itself.
 * - `none`: nothing special (the final recipe of Skywork-OR1).
 * - `before`: left out of the group's statistics, advantage 0.
 * - `after`: counted in the group's statistics, advantage 0.
 */
export type TruncationMask = "none" | "before" | "after";

/** Every accepted {@link TruncationMask}. */
export const truncationMasks: readonly TruncationMask[] = ["none", "before", "after"];

/** Inputs of an estimator over groups, beside the group layout. */
export interface GroupRewards {
  /** [rows], outcome reward of each response. */
  readonly rewards: ArrayLike<number>;
  /** [rows], whether each response hit the context cap; needed unless `truncationMask` is `none`. */
  readonly truncated?: ArrayLike<number | boolean> | undefined;
  /** Default `none`. */
  readonly truncationMask?: TruncationMask | undefined;
}

/** One advantage per response: every token of the response has it. */
export interface RowAdvantages {
  /** [rows] */
  readonly advantages: Float64Array;
}

/** Rewards of one group's counted members, and their row numbers. */
export interface GroupMembers {
  readonly rewards: readonly number[];
  readonly rows: readonly number[];
}

/**
 * Applies `ofGroup` to each group's counted members and returns one advantage per row; rows that the truncation mask takes out have 0.
 *
 * @throws ShapeError when lengths differ. @throws NumericError on a reward that is not finite.
 * @throws ConfigError on an unknown mask or a mask without `truncated`.
 */
export function estimateByGroup(
  who: string,
  options: GroupRewards & GroupLayout,
  ofGroup: (members: GroupMembers) => ArrayLike<number>,
): RowAdvantages {
  const { rewards, truncated, truncationMask = "none" } = options;
  const layout = checkGroupLayout(who, options, rewards.length);
  checkFinite(who, "rewards", rewards);
  checkChoice(who, "truncationMask", truncationMask, truncationMasks);
  if (truncated !== undefined) checkRowCount(who, "truncated", truncated, rewards.length);
  else if (truncationMask !== "none")
    throw new ConfigError({ who, argument: "truncated", expected: `given for the mask "${truncationMask}"`, received: "nothing" });

  const isMasked = (row: number): boolean => truncationMask !== "none" && Boolean(truncated![row]);
  const advantages = new Float64Array(rewards.length);
  for (const members of layout.rows) {
    const rows = truncationMask === "before" ? members.filter((row) => !isMasked(row)) : members;
    if (rows.length === 0) continue;
    const values = ofGroup({ rewards: rows.map((row) => rewards[row]!), rows });
    rows.forEach((row, i) => (advantages[row] = isMasked(row) ? 0 : values[i]!));
  }
  return { advantages };
}

/** Mean and sample standard deviation (divides by n − 1); exactly (value, 0) when all are equal, so that equal rewards centre to 0. */
export function meanAndStd(values: readonly number[]): { mean: number; std: number } {
  const first = values[0]!;
  if (values.every((value) => value === first)) return { mean: first, std: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, std: Math.sqrt(squares / (values.length - 1)) };
}
