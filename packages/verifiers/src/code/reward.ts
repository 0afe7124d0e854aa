// From passed tests to a reward.
import type { CodeReward } from "./policy.ts";

/**
 * all: 1 if passed = total, else 0; fraction: passed / total; power p: (passed / total)^p. `total` counts every test of the problem,
 * whether or not it ran: a solution that fails early has no smaller denominator.
 */
export function codeReward(passed: number, total: number, reward: CodeReward): number {
  if (reward === "all") return passed === total ? 1 : 0;
  return (passed / total) ** (reward === "fraction" ? 1 : reward.power);
}
