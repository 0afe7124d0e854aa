// GPG: the plain policy gradient, without ratio and without clip.
import * as tf from "@tensorflow/tfjs-core";

import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";
import { clampLogRatio, tokenTerms, totalLoss } from "./token-terms.ts";

/**
 * Returns the aggregate of `ℓ = −A · log π`. The old policy only serves the metric.
 *
 * Usual aggregation `token-mean`. Shapes, masks, reduction, precision, gradients and errors as `magicLoss`. Metrics: `pg_loss, ppo_kl`.
 * Source: arXiv 2504.02546; verl 0.9.1 trainer/ppo/core_algos.py, `gpg`.
 */
export function gpgLoss(inputs: PolicyLossInputs): PolicyLossResult {
  const terms = tokenTerms("gpgLoss", inputs);
  const losses = tf.neg(tf.mul(terms.advantages, terms.overTokens(inputs.logProbs)));
  return totalLoss(terms, losses, { ppo_kl: tf.neg(terms.tokenMean(clampLogRatio(terms.logRatio))) });
}
