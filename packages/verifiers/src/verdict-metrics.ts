// What became of a batch of responses, as metrics.
import { OUTCOMES } from "./outcome.ts";
import type { VerifyResult } from "./verify-request.ts";

/**
 * Share of each outcome among `verdicts`: `reward/timeout_ratio`, `reward/crash_ratio` and so on for all outcomes; they sum to 1.
 * Empty for no verdicts.
 */
export function verdictMetrics(verdicts: readonly Pick<VerifyResult, "outcome">[]): Record<`reward/${string}_ratio`, number> {
  if (verdicts.length === 0) return {};
  const ratio = (outcome: string): number => verdicts.filter((verdict) => verdict.outcome === outcome).length / verdicts.length;
  return Object.fromEntries(OUTCOMES.map((outcome) => [`reward/${outcome}_ratio`, ratio(outcome)]));
}

/** Whether a verdict says something about the response: `crash` and `invalid_ground_truth` do not, and must not be learnt from. */
export function isJudged({ outcome }: Pick<VerifyResult, "outcome">): boolean {
  return outcome !== "crash" && outcome !== "invalid_ground_truth";
}
