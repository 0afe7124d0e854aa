// Zero-advantage rejection: drops prompts whose responses are all right or all wrong, always whole groups.
import { ConfigError } from "@longcot/errors";

import { checkGroupLayout } from "./group-layout.ts";
import type { GroupLayout } from "./group-layout.ts";
import { checkFinite, checkRowCount } from "./row-values.ts";

/**
 * - `advantage`: a group is kept when some advantage in it is not 0 (the paper, §3.1).
 * - `reward`: a group is dropped when all its rewards are 0 or all are 1 (the released code).
 *
 * They differ for groups of one member, for equal rewards that are neither 0 nor 1, and under truncation masks.
 */
export type RejectionRule = "advantage" | "reward";

/** Every accepted {@link RejectionRule}. */
export const rejectionRules: readonly RejectionRule[] = ["advantage", "reward"];

export interface RejectionOptions {
  readonly rewards: ArrayLike<number>;
  /** Advantage of each response, from an estimator of this package. */
  readonly advantages: ArrayLike<number>;
  /** Default `advantage`. */
  readonly rule?: RejectionRule;
}

export interface Rejection {
  /** Whether nothing is left; such a batch has no update and no loss: skip it. */
  readonly empty: boolean;
  /** Rows of all kept groups, ascending. */
  readonly keptRows: Int32Array;
  /** [rows], 1 where the row is kept: multiply it into the response mask. */
  readonly rowMask: Uint8Array;
  /** Ids of the kept groups, in order of first appearance. */
  readonly keptGroups: Int32Array;
  /** Ids of the dropped groups, in order of first appearance. */
  readonly rejectedGroups: Int32Array;
  /** Groups with every reward 0, kept or not; verl's `batch/solve_none`. */
  readonly solveNone: number;
  /** Groups with every reward 1, kept or not; verl's `batch/solve_all`. */
  readonly solveAll: number;
  /** `solveNone` / number of groups; 0 for a batch without rows. */
  readonly solveNoneRatio: number;
  /** `solveAll` / number of groups; 0 for a batch without rows. */
  readonly solveAllRatio: number;
}

/**
 * Returns which groups of a batch carry a learning signal. Dropped groups would add nothing to the policy term but
 * still count in the entropy term and in the token denominator.
 *
 * @throws ShapeError when lengths differ. @throws NumericError on a value that is not finite. @throws ConfigError on an unknown rule.
 * Source: arXiv 2505.22312 §3.1; SkyworkAI/Skywork-OR1 verl/trainer/ppo/ray_trainer.py.
 *
 * @example rejectZeroAdvantageGroups({ rewards: [1, 1, 1, 0], advantages: [0, 0, 0.707, -0.707], groupSize: 2 }).keptRows // [2, 3]
 */
export function rejectZeroAdvantageGroups(options: RejectionOptions & GroupLayout): Rejection {
  const who = "rejectZeroAdvantageGroups";
  const { rewards, advantages, rule = "advantage" } = options;
  const layout = checkGroupLayout(who, options, rewards.length);
  checkRowCount(who, "advantages", advantages, rewards.length);
  checkFinite(who, "rewards", rewards);
  checkFinite(who, "advantages", advantages);
  if (!rejectionRules.includes(rule)) {
    throw new ConfigError({
      who,
      argument: "rule",
      expected: `one of ${rejectionRules.join(", ")}`,
      received: String(rule),
    });
  }

  const rowMask = new Uint8Array(rewards.length);
  const kept: number[] = [];
  const rejected: number[] = [];
  let solveNone = 0;
  let solveAll = 0;
  layout.rows.forEach((rows, index) => {
    const allZero = rows.every((row) => rewards[row] === 0);
    const allOne = rows.every((row) => rewards[row] === 1);
    if (allZero) solveNone++;
    if (allOne) solveAll++;
    const keep = rule === "advantage" ? rows.some((row) => advantages[row] !== 0) : !allZero && !allOne;
    (keep ? kept : rejected).push(layout.ids[index]!);
    if (keep) for (const row of rows) rowMask[row] = 1;
  });
  const keptRows = Int32Array.from([...rowMask.keys()].filter((row) => rowMask[row] === 1));
  const groupCount = Math.max(1, layout.ids.length);
  return {
    empty: kept.length === 0,
    keptRows,
    rowMask,
    keptGroups: Int32Array.from(kept),
    rejectedGroups: Int32Array.from(rejected),
    solveNone,
    solveAll,
    solveNoneRatio: solveNone / groupCount,
    solveAllRatio: solveAll / groupCount,
  };
}
