// DPPO: a token counts while the divergence of its probability from the old one stays small, measured as total variation or KL of the
// binary event "this token"; no ratio is clipped.
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";

import { checkNumber } from "../option-checks.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";
import { clampLogRatio, tokenTerms, totalLoss } from "./token-terms.ts";
import type { TokenTerms } from "./token-terms.ts";
import { withoutGradient } from "./without-gradient.ts";

export interface DppoSettings {
  /** Largest divergence of a token that gets less likely, where A ≤ 0. Default 0.2. */
  readonly divergenceLow?: number | undefined;
  /** Largest divergence of a token that gets more likely, where A > 0. Default 0.2. */
  readonly divergenceHigh?: number | undefined;
  /** Largest ratio; those above are truncated to it. Default 20. */
  readonly ratioLimit?: number | undefined;
}

/**
 * Returns the aggregate of `ℓ = −A · sg[min(ρ, c)] · v · log π`, v = 1 while `π − π_old ≤ divergenceHigh` where A > 0 and
 * `π_old − π ≤ divergenceLow` where A ≤ 0, else 0.
 *
 * Usual aggregation `token-mean`. Shapes, masks, reduction, precision and errors as `magicLoss`. Metrics: `pg_loss, pg_clipfrac` (share
 * with v = 0), `pg_clipfrac_lower` (share with v = 1 and ρ > c), `ppo_kl`.
 * Source: arXiv 2602.04879; verl 0.9.1 trainer/ppo/core_algos.py, `dppo_tv`.
 */
export function dppoTvLoss(inputs: PolicyLossInputs & DppoSettings): PolicyLossResult {
  return divergenceLoss("dppoTvLoss", inputs, ({ probs, oldProbs, low, high }) => {
    const change = tf.sub(probs, oldProbs);
    return { mayRise: tf.lessEqual(change, high), mayFall: tf.greaterEqual(change, -low) };
  });
}

/**
 * As {@link dppoTvLoss} with the binary KL `π_old log(π_old/π) + (1−π_old) log((1−π_old)/(1−π))` as divergence; v = 1 also wherever the
 * token has moved against its advantage.
 *
 * Source: arXiv 2602.04879; verl 0.9.1 trainer/ppo/core_algos.py, `dppo_kl`.
 */
export function dppoKlLoss(inputs: PolicyLossInputs & DppoSettings): PolicyLossResult {
  return divergenceLoss("dppoKlLoss", inputs, ({ probs, oldProbs, logRatio, low, high }) => {
    const others = tf.log(tf.div(tf.add(tf.sub(1, oldProbs), PROBABILITY_FLOOR), tf.add(tf.sub(1, probs), PROBABILITY_FLOOR)));
    const divergence = tf.add(tf.mul(oldProbs, tf.neg(logRatio)), tf.mul(tf.sub(1, oldProbs), others));
    return {
      mayRise: tf.logicalOr(tf.lessEqual(divergence, high), tf.lessEqual(probs, oldProbs)),
      mayFall: tf.logicalOr(tf.lessEqual(divergence, low), tf.greaterEqual(probs, oldProbs)),
    };
  });
}

/** Keeps the logarithm of an impossible "other token" finite, as in verl. */
const PROBABILITY_FLOOR = 1e-8;

interface Divergence {
  probs: Tensor;
  oldProbs: Tensor;
  logRatio: Tensor;
  low: number;
  high: number;
}

function divergenceLoss(
  who: string,
  inputs: PolicyLossInputs & DppoSettings,
  limits: (at: Divergence) => { mayRise: Tensor; mayFall: Tensor },
): PolicyLossResult {
  const { divergenceLow: low = 0.2, divergenceHigh: high = 0.2, ratioLimit = 20 } = inputs;
  checkNumber(who, "divergenceLow", low, { least: 0 });
  checkNumber(who, "divergenceHigh", high, { least: 0 });
  checkNumber(who, "ratioLimit", ratioLimit, { least: 0, exclusive: true });
  const terms = tokenTerms(who, inputs);
  const { advantages, overTokens } = terms;
  const logProbs = overTokens(inputs.logProbs);
  const logRatio = clampLogRatio(terms.logRatio);
  const ratio = withoutGradient(() => tf.exp(logRatio));
  const isValid = withoutGradient(() => {
    const at = { probs: tf.exp(logProbs), oldProbs: tf.exp(overTokens(inputs.oldLogProbs)), logRatio: terms.logRatio, low, high };
    const { mayRise, mayFall } = limits(at);
    return tf.where(tf.greater(advantages, 0), mayRise, mayFall);
  });
  const coefficient = withoutGradient(() => tf.neg(tf.mul(tf.mul(tf.minimum(ratio, ratioLimit), tf.cast(isValid, "float32")), advantages)));
  return totalLoss(terms, tf.mul(coefficient, logProbs), {
    pg_clipfrac: onTokens(terms, tf.logicalNot(isValid)),
    pg_clipfrac_lower: onTokens(terms, tf.logicalAnd(isValid, tf.greater(ratio, ratioLimit))),
    ppo_kl: tf.neg(terms.tokenMean(logRatio)),
  });
}

/** Share of response tokens where `condition` holds, whatever it says elsewhere. */
function onTokens({ mask, tokenMean }: TokenTerms, condition: Tensor): tf.Scalar {
  return tokenMean(tf.mul(tf.cast(condition, "float32"), mask));
}
