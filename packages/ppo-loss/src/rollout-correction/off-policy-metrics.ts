// How far the sampler's policy is from the trainer's: divergences and perplexities of one batch.
import { clampRatio, largest, logRatiosOf, meanOf, smallest } from "./log-ratios.ts";
import type { RolloutLogProbs } from "./log-ratios.ts";

/** Metrics of {@link offPolicyMetrics}, under verl's names without their `rollout_corr/` prefix. */
export type OffPolicyMetric =
  | "kl"
  | "k3_kl"
  | "training_ppl"
  | "training_log_ppl"
  | "rollout_ppl"
  | "rollout_log_ppl"
  | "log_ppl_diff"
  | "log_ppl_abs_diff"
  | "log_ppl_diff_max"
  | "log_ppl_diff_min"
  | "ppl_ratio"
  | "chi2_token"
  | "chi2_seq";

/**
 * Returns, with d = log π_old − log π_rollout of a token and ρ = e^d:
 * - `kl` mean of −d over tokens, an estimate of KL(π_rollout ‖ π_old); `k3_kl` mean of ρ − d − 1, never negative.
 * - `training_ppl`, `rollout_ppl` mean over responses of e^(−mean log-probability); `…_log_ppl` of its logarithm.
 * - `log_ppl_diff` mean over responses of −mean d, with `_abs_`, `_max`, `_min`; `ppl_ratio` mean of e^(that).
 * - `chi2_token` mean of ρ² over tokens − 1; `chi2_seq` mean over responses of (Π ρ)² − 1, d and Σ d clamped to ±20.
 *
 * Responses without tokens are left out of the means over responses. Units: nats, except perplexities and χ².
 * Precision: float64.
 *
 * @throws ShapeError, NumericError on columns that differ in length, are not finite, or have no response token.
 * Source: verl 0.9.1 trainer/ppo/rollout_corr_helper.py, `compute_offpolicy_metrics`.
 *
 * @example offPolicyMetrics({ oldLogProbs: [-1, -2], rolloutLogProbs: [-1, -1], offsets: [0, 2] }).kl // 0.5
 */
export function offPolicyMetrics(options: RolloutLogProbs): Record<OffPolicyMetric, number> {
  const { logRatios, tokensOf, rowsWithTokens } = logRatiosOf("offPolicyMetrics", options);
  const tokens = rowsWithTokens.flatMap(tokensOf);
  const rowMeans = (values: ArrayLike<number>): number[] =>
    rowsWithTokens.map((row) => meanOf(tokensOf(row).map((token) => values[token]!)));
  const training = rowMeans(options.oldLogProbs).map((mean) => -mean);
  const rollout = rowMeans(options.rolloutLogProbs).map((mean) => -mean);
  const differences = training.map((logPerplexity, i) => logPerplexity - rollout[i]!);
  const sums = rowsWithTokens.map((row) => tokensOf(row).reduce((sum, token) => sum + logRatios[token]!, 0));
  return {
    kl: meanOf(tokens.map((token) => -logRatios[token]!)),
    k3_kl: meanOf(tokens.map((token) => Math.expm1(logRatios[token]!) - logRatios[token]!)),
    training_ppl: meanOf(training.map(Math.exp)),
    training_log_ppl: meanOf(training),
    rollout_ppl: meanOf(rollout.map(Math.exp)),
    rollout_log_ppl: meanOf(rollout),
    log_ppl_diff: meanOf(differences),
    log_ppl_abs_diff: meanOf(differences.map(Math.abs)),
    log_ppl_diff_max: largest(differences),
    log_ppl_diff_min: smallest(differences),
    ppl_ratio: meanOf(differences.map(Math.exp)),
    chi2_token: meanOf(tokens.map((token) => Math.exp(2 * clampRatio(logRatios[token]!)))) - 1,
    chi2_seq: meanOf(sums.map((sum) => Math.exp(2 * clampRatio(sum)))) - 1,
  };
}
