// CISPO: the policy gradient of every token, weighted by its clipped ratio; clipping takes no token's gradient away.
import * as tf from "@tensorflow/tfjs-core";

import type { ClipSettings } from "./clipped-surrogate.ts";
import { checkClipRange } from "./policy-loss.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";
import { clampLogRatio, tokenTerms, totalLoss } from "./token-terms.ts";
import { withoutGradient } from "./without-gradient.ts";

/**
 * Returns the aggregate of `ℓ = −sg[clip(ρ, 1−ε_low, 1+ε_high)] · A · log π`.
 *
 * Defaults: clip range 0.2 to both sides (ε_low = 1 removes the lower bound, as in the paper); usual aggregation `token-mean`. Shapes,
 * masks, reduction, precision and errors as `magicLoss`. Metrics: `pg_loss, pg_clipfrac, ppo_kl`; the clip fraction counts ratios that the
 * range changes.
 * Source: arXiv 2506.13585 eq. 4 and 5; verl 0.9.1 trainer/ppo/core_algos.py, `cispo`.
 */
export function cispoLoss(inputs: PolicyLossInputs & ClipSettings): PolicyLossResult {
  const { clipLow = 0.2, clipHigh = 0.2 } = inputs;
  checkClipRange("cispoLoss", clipLow, clipHigh);
  const terms = tokenTerms("cispoLoss", inputs);
  const logRatio = clampLogRatio(terms.logRatio);
  const ratio = withoutGradient(() => tf.exp(logRatio));
  const clipped = withoutGradient(() => tf.clipByValue(ratio, 1 - clipLow, 1 + clipHigh));
  const coefficient = withoutGradient(() => tf.neg(tf.mul(clipped, terms.advantages)));
  return totalLoss(terms, tf.mul(coefficient, terms.overTokens(inputs.logProbs)), {
    pg_clipfrac: terms.share(tf.notEqual(ratio, clipped)),
    ppo_kl: tf.neg(terms.tokenMean(logRatio)),
  });
}
