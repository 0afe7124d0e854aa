// What a response that hit the context cap earns.
import { ConfigError } from "@longcot/errors";

import { checkFinite, checkRowCount } from "./row-values.ts";

/**
 * - `zero`: nothing (the paper: reaching the cap fails the task).
 * - `keep`: whatever the verifier found in the unfinished text (the released code).
 */
export type TruncatedReward = "zero" | "keep";

/** Every accepted {@link TruncatedReward}. */
export const truncatedRewards: readonly TruncatedReward[] = ["zero", "keep"];

/**
 * Returns the reward of each response with the rule for truncated ones applied; the input is not written to.
 *
 * Shapes: `rewards`, `truncated` and the result share the length [rows].
 *
 * @throws ShapeError when lengths differ. @throws NumericError on a reward that is not finite. @throws ConfigError on an unknown rule.
 * Source: arXiv 2505.22312 §3.1 and §3.2.3 (`zero`); SkyworkAI/Skywork-OR1 reward code (`keep`).
 *
 * @example outcomeRewards({ rewards: [1, 1, 0], truncated: [false, true, true] }) // [1, 0, 0]
 */
export function outcomeRewards(options: {
  readonly rewards: ArrayLike<number>;
  readonly truncated: ArrayLike<number | boolean>;
  /** Default `zero`. */
  readonly truncatedReward?: TruncatedReward;
}): Float64Array {
  const who = "outcomeRewards";
  const { rewards, truncated, truncatedReward = "zero" } = options;
  checkRowCount(who, "truncated", truncated, rewards.length);
  checkFinite(who, "rewards", rewards);
  if (!truncatedRewards.includes(truncatedReward)) {
    throw new ConfigError({
      who,
      argument: "truncatedReward",
      expected: `one of ${truncatedRewards.join(", ")}`,
      received: String(truncatedReward),
    });
  }
  return Float64Array.from(rewards, (reward, row) => (truncatedReward === "zero" && truncated[row] ? 0 : reward));
}
