// Hard trust region around the sampler: tokens or responses whose divergence is too large are taken out of the mask.
import { ConfigError } from "@longcot/errors";

import { checkChoice, checkNumber } from "../option-checks.ts";
import { clampRatio, largest, logRatiosOf, meanOf } from "./log-ratios.ts";
import type { RolloutLogProbs } from "./log-ratios.ts";

/**
 * A rule `<level>_<estimator>`: the divergence of a token, or the sum, mean or maximum over a response. With d = log π_old − log π_rollout
 * clamped to ±20: k1 is −d, k2 d²/2, k3 e^d − 1 − d.
 */
export type RejectionCriterion =
  | "token_k1"
  | "token_k2"
  | "token_k3"
  | "seq_sum_k1"
  | "seq_sum_k2"
  | "seq_sum_k3"
  | "seq_mean_k1"
  | "seq_mean_k2"
  | "seq_mean_k3"
  | "seq_max_k2"
  | "seq_max_k3";

/** Every accepted {@link RejectionCriterion}. */
export const rejectionCriteria: readonly RejectionCriterion[] = [
  "token_k1",
  "token_k2",
  "token_k3",
  "seq_sum_k1",
  "seq_sum_k2",
  "seq_sum_k3",
  "seq_mean_k1",
  "seq_mean_k2",
  "seq_mean_k3",
  "seq_max_k2",
  "seq_max_k3",
];

export interface RolloutRejectionRule {
  readonly criterion: RejectionCriterion;
  /** Largest divergence; of k1, whose sign tells which policy prefers the token, the largest ratio e^k1. */
  readonly high: number;
  /** Of k1 the smallest ratio e^k1. Default 1 / high. Others take none. */
  readonly low?: number | undefined;
}

export interface RolloutRejection {
  /** [tokens], 1 on response tokens that stay: the new mask. */
  readonly mask: Uint8Array;
  /** verl's names without their `rollout_corr/` prefix. */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * Returns the mask of tokens that pass every rule; responses are judged before any token is taken out.
 *
 * Shapes: token columns and the mask [tokens]. Metrics: `rollout_rs_masked_fraction` (of response tokens), `rollout_rs_seq_masked_fraction`
 * (of responses, those that lose a token), and both per rule as `rollout_rs_<criterion>_…`, with the `_mean` and `_max` of its divergence.
 *
 * @throws ShapeError, NumericError on columns that differ in length, are not finite, or have no response token.
 * @throws ConfigError without rules, on an unknown criterion, or on bounds that are not 0 < low ≤ high.
 * Source: verl 0.9.1 trainer/ppo/rollout_corr_helper.py, `compute_rollout_rejection_mask`.
 *
 * @example rejectRolloutTokens({ oldLogProbs: [0, 0], rolloutLogProbs: [-1, 0], offsets: [0, 2], rules: [{ criterion: "token_k3", high: 0.1 }] }).mask // [0, 1]
 */
export function rejectRolloutTokens(options: RolloutLogProbs & { readonly rules: readonly RolloutRejectionRule[] }): RolloutRejection {
  const who = "rejectRolloutTokens";
  const { rules } = options;
  if (rules.length === 0) throw new ConfigError({ who, argument: "rules", expected: "at least one", received: "none" });
  const { rows, logRatios, tokensOf, rowsWithTokens } = logRatiosOf(who, options);
  const tokens = rowsWithTokens.flatMap(tokensOf);
  const mask = new Uint8Array(rows.tokenCount);
  for (const token of tokens) mask[token] = 1;
  const metrics: Record<string, number> = {};

  for (const rule of rules) {
    const { estimator, level } = parseCriterion(who, rule.criterion);
    const passes = acceptance(who, estimator, rule);
    const passing = new Uint8Array(rows.tokenCount);
    const judged: number[] = [];
    for (const row of rowsWithTokens) {
      const own = tokensOf(row);
      const values = own.map((token) => DIVERGENCES[estimator](clampRatio(logRatios[token]!)));
      const ofTokens = level === "token" ? values : values.fill(LEVELS[level](values));
      judged.push(...ofTokens);
      own.forEach((token, i) => (passing[token] = passes(ofTokens[i]!) ? 1 : 0));
    }
    const prefix = `rollout_rs_${rule.criterion}`;
    metrics[`${prefix}_mean`] = meanOf(judged);
    metrics[`${prefix}_max`] = largest(judged);
    metrics[`${prefix}_masked_fraction`] = meanOf(tokens.map((token) => 1 - passing[token]!));
    metrics[`${prefix}_seq_masked_fraction`] = meanOf(
      rowsWithTokens.map((row) => Number(tokensOf(row).some((token) => passing[token] === 0))),
    );
    for (const token of tokens) if (passing[token] === 0) mask[token] = 0;
  }
  metrics["rollout_rs_masked_fraction"] = meanOf(tokens.map((token) => 1 - mask[token]!));
  metrics["rollout_rs_seq_masked_fraction"] =
    rowsWithTokens.filter((row) => tokensOf(row).some((token) => mask[token] === 0)).length / rows.rowCount;
  return { mask, metrics };
}

type Estimator = "k1" | "k2" | "k3";
type Level = "token" | "seq_sum" | "seq_mean" | "seq_max";

const DIVERGENCES: Readonly<Record<Estimator, (logRatio: number) => number>> = {
  k1: (logRatio) => -logRatio,
  k2: (logRatio) => logRatio ** 2 / 2,
  k3: (logRatio) => Math.expm1(logRatio) - logRatio,
};

const LEVELS: Readonly<Record<Exclude<Level, "token">, (values: readonly number[]) => number>> = {
  seq_sum: (values) => values.reduce((sum, value) => sum + value, 0),
  seq_mean: meanOf,
  seq_max: largest,
};

function parseCriterion(who: string, criterion: RejectionCriterion): { estimator: Estimator; level: Level } {
  checkChoice(who, "criterion", criterion, rejectionCriteria);
  return { estimator: criterion.slice(-2) as Estimator, level: criterion.slice(0, -3) as Level };
}

function acceptance(who: string, estimator: Estimator, { high, low }: RolloutRejectionRule): (divergence: number) => boolean {
  checkNumber(who, "high", high, { least: 0, exclusive: true });
  if (estimator !== "k1") {
    if (low !== undefined)
      throw new ConfigError({ who, argument: "low", expected: "absent, since only k1 has a sign", received: String(low) });
    return (divergence) => divergence <= high;
  }
  const least = low ?? 1 / high;
  if (!(least > 0 && least <= high))
    throw new ConfigError({ who, argument: "low", expected: `above 0 and at most high (${high})`, received: String(least) });
  return (divergence) => divergence >= Math.log(least) && divergence <= Math.log(high);
}
