// GSPO: the importance ratio of a whole response, its geometric mean over tokens, clipped once for all of them.
import * as tf from "@tensorflow/tfjs-core";

import type { ClipSettings } from "./clipped-surrogate.ts";
import { checkClipRange } from "./policy-loss.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";
import { LOG_RATIO_LIMIT, rowLengths, tokenTerms, totalLoss } from "./token-terms.ts";
import { withoutGradient } from "./without-gradient.ts";

/**
 * Returns the aggregate of `ℓ = max(−s_t A, −clip(s_t, 1−ε_low, 1+ε_high)·A)` with `s_t = sg[s_i] · π / sg[π]` and
 * `s_i = exp((1/n_i) Σ_t log ρ_t)`: the value of the response's ratio, the gradient of each token's.
 *
 * Defaults: ε_low 3e-4, ε_high 4e-4 (of the paper: the ratio of a response moves far less than that of a token); usual aggregation
 * `seq-mean-token-mean`. log s is clamped to −20…10. Shapes, masks, reduction and errors as `magicLoss`.
 * Metrics: `pg_loss, pg_clipfrac, ppo_kl`; the clip fraction counts tokens.
 * Source: arXiv 2507.18071 eq. 5 and 14; verl 0.9.1 trainer/ppo/core_algos.py, `gspo`.
 */
export function gspoLoss(inputs: PolicyLossInputs & ClipSettings): PolicyLossResult {
  const { clipLow = 3e-4, clipHigh = 4e-4 } = inputs;
  checkClipRange("gspoLoss", clipLow, clipHigh);
  const terms = tokenTerms("gspoLoss", inputs);
  const { logRatio, advantages } = terms;
  // logRatio + (mean − logRatio without gradient): the row's mean in value, the token's log-probability in gradient.
  const offset = withoutGradient(() => tf.sub(tf.div(tf.sum(logRatio, 1, true), rowLengths(terms)), logRatio));
  const ratio = tf.exp(tf.clipByValue(tf.add(logRatio, offset), -LOG_RATIO_LIMIT, SEQUENCE_LOG_RATIO_LIMIT));
  const negated = tf.neg(advantages);
  const unclipped = tf.mul(ratio, negated);
  const clipped = tf.mul(tf.clipByValue(ratio, 1 - clipLow, 1 + clipHigh), negated);
  return totalLoss(terms, tf.maximum(unclipped, clipped), {
    pg_clipfrac: terms.share(tf.greater(clipped, unclipped)),
    ppo_kl: tf.neg(terms.tokenMean(logRatio)),
  });
}

/** Largest log of a response's ratio, as in verl. */
const SEQUENCE_LOG_RATIO_LIMIT = 10;
