// Importance weights for what the sampler and the trainer disagree on: truncated (TIS), or masked outside a band (IcePop).
import { ConfigError } from "@longcot/errors";

import { checkChoice, checkNumber } from "../option-checks.ts";
import { clampRatio, largest, logRatiosOf, meanOf, shareOf, smallest, stdOf } from "./log-ratios.ts";
import type { RolloutLogProbs } from "./log-ratios.ts";

export interface ImportanceWeightOptions {
  /** Whether a token's weight is its own ratio or the product of its response's. Default `token`. */
  readonly level?: "token" | "sequence" | undefined;
  /** Weights above it are truncated to it; with `low`, set to 0. Default 2. */
  readonly high?: number | undefined;
  /** IcePop: weights outside `low`…`high` are 0. Absent: only truncation from above. */
  readonly low?: number | undefined;
  /** Whether weights are divided by their mean over the batch. Default `false`. */
  readonly normalize?: boolean | undefined;
}

export interface ImportanceWeights {
  /** [tokens], 0 outside the mask: the `rolloutWeights` of a policy loss. */
  readonly weights: Float64Array;
  /** verl's names without their `rollout_corr/` prefix. */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * Returns `w = min(ρ, high)` per token, or with `low` `w = ρ` inside `low…high` and 0 outside;
 * `ρ = exp(log π_old − log π_rollout)`, by `sequence` the product over the response. Log-ratios are clamped to ±20.
 *
 * Shapes: token columns and the weights [tokens]. Reduction: statistics over the response tokens of the batch. Precision: float64.
 * Metrics: `rollout_is_{mean,std,min,max,eff_sample_size,ratio_fraction_high,ratio_fraction_low}`, the same of responses' mean weights as
 * `rollout_is_seq_*`, `rollout_is_oob_ratio` with `low`, `rollout_is_batch_norm_factor` with `normalize`. Statistics are those before
 * normalisation.
 *
 * @throws ShapeError, NumericError on columns that differ in length, are not finite, or have no response token.
 * @throws ConfigError on bounds that are not 0 < low ≤ high.
 * Source: TIS, F. Yao et al. (2025) "Your efficient RL framework secretly brings you off-policy RL training"; IcePop, arXiv 2510.18855;
 * verl 0.9.1 trainer/ppo/rollout_corr_helper.py, `compute_rollout_correction_weights`.
 *
 * @example importanceWeights({ oldLogProbs: [0, 0], rolloutLogProbs: [-1, 0], offsets: [0, 2] }).weights // [2, 1]
 */
export function importanceWeights(options: RolloutLogProbs & ImportanceWeightOptions): ImportanceWeights {
  const who = "importanceWeights";
  const { level = "token", high = 2, low, normalize = false } = options;
  checkChoice(who, "level", level, ["token", "sequence"]);
  checkNumber(who, "high", high, { least: 0, exclusive: true });
  if (low !== undefined && !(low > 0 && low <= high))
    throw new ConfigError({ who, argument: "low", expected: `above 0 and at most high (${high})`, received: String(low) });
  const { rows, logRatios, tokensOf, rowsWithTokens } = logRatiosOf(who, options);

  const sums = new Map(rowsWithTokens.map((row) => [row, tokensOf(row).reduce((sum, token) => sum + logRatios[token]!, 0)]));
  const raw = new Float64Array(rows.tokenCount);
  for (const row of rowsWithTokens)
    for (const token of tokensOf(row)) raw[token] = Math.exp(clampRatio(level === "token" ? logRatios[token]! : sums.get(row)!));
  const weigh = (ratio: number): number => {
    if (low === undefined) return Math.min(ratio, high);
    return ratio < low || ratio > high ? 0 : ratio;
  };
  const tokens = rowsWithTokens.flatMap(tokensOf);
  const weights = new Float64Array(rows.tokenCount);
  for (const token of tokens) weights[token] = weigh(raw[token]!);

  const atTokens = tokens.map((token) => weights[token]!);
  const rowMeans = (values: Float64Array): number[] => rowsWithTokens.map((row) => meanOf(tokensOf(row).map((token) => values[token]!)));
  const lowest = low ?? 1 / high;
  // By sequence verl reports the ratios of responses, by token those of tokens.
  const rawRatios = level === "token" ? tokens.map((token) => raw[token]!) : [...sums.values()].map((sum) => Math.exp(clampRatio(sum)));
  const extremes = level === "token" ? atTokens : rawRatios;
  const [ofRows, rawOfRows] = [rowMeans(weights), rowMeans(raw)];
  const mean = meanOf(atTokens);
  const squares = meanOf(atTokens.map((weight) => weight ** 2));
  const metrics: Record<string, number> = {
    rollout_is_mean: mean,
    rollout_is_std: Math.sqrt(Math.max(0, squares - mean ** 2)),
    rollout_is_max: largest(extremes),
    rollout_is_min: smallest(extremes),
    rollout_is_eff_sample_size: squares === 0 ? 0 : (mean + MEAN_FLOOR) ** 2 / squares,
    rollout_is_ratio_fraction_high: shareOf(rawRatios, (ratio) => ratio > high),
    rollout_is_ratio_fraction_low: shareOf(rawRatios, (ratio) => ratio < lowest),
    rollout_is_seq_mean: meanOf(ofRows),
    rollout_is_seq_std: stdOf(ofRows),
    rollout_is_seq_max: largest(ofRows),
    rollout_is_seq_min: smallest(ofRows),
    rollout_is_seq_max_deviation: largest(ofRows.map((weight) => Math.abs(weight - 1))),
    rollout_is_seq_fraction_high: shareOf(rawOfRows, (weight) => weight > high),
    rollout_is_seq_fraction_low: shareOf(rawOfRows, (weight) => weight < lowest),
  };
  if (low !== undefined)
    metrics["rollout_is_oob_ratio"] = shareOf(
      tokens.map((token) => raw[token]!),
      (ratio) => ratio < low || ratio > high,
    );
  if (!normalize) return { weights, metrics };
  const factor = level === "token" ? mean : meanOf(ofRows);
  metrics["rollout_is_batch_norm_factor"] = factor > MEAN_FLOOR ? factor : 1;
  return { weights: factor > MEAN_FLOOR ? weights.map((weight) => weight / factor) : weights, metrics };
}

/** As verl: below it a mean counts as 0. */
const MEAN_FLOOR = 1e-8;
