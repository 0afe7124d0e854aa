// GMPO: one ratio per response, the geometric mean of token ratios that are clipped one by one first.
import * as tf from "@tensorflow/tfjs-core";

import type { ClipSettings } from "./clipped-surrogate.ts";
import { checkNumber } from "../option-checks.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";
import { clampLogRatio, rowLengths, tokenTerms, totalLoss } from "./token-terms.ts";

/**
 * Returns `L = −Σ_i rowWeights_i n_i Ā_i exp((1/n_i) Σ_t m_t)`: Ā_i the mean advantage of response i's tokens, m the log-ratio clipped to
 * [−ε_low, ε_high] on the side where moving on would lower the loss (from above where A > 0, from below where A < 0, 0 where A = 0).
 * With the weights of `seq-mean-token-mean` that is the mean over responses.
 *
 * Defaults: ε 0.4 to both sides, in nats (the paper: ratios within e^−0.4…e^0.4). The mean of m is clamped to ±20, its terms are not. Rollout weights enter as their geometric mean over the
 * response. Shapes, masks, reduction, precision, gradients and errors as `magicLoss`. Metrics: `pg_loss, pg_clipfrac` (tokens outside
 * the range where A > 0), `pg_clipfrac_lower` (where A < 0), `ppo_kl`.
 *
 * verl's `geo_mean` divides by all rows, also those without tokens: pass `batchSequences` to `lossReduction` for that.
 * Source: arXiv 2507.20673 eq. 4; verl 0.9.1 trainer/ppo/core_algos.py, `geo_mean`.
 */
export function geoMeanLoss(inputs: PolicyLossInputs & ClipSettings): PolicyLossResult {
  const { clipLow = 0.4, clipHigh = 0.4, rolloutWeights, ...others } = inputs;
  checkNumber("geoMeanLoss", "clipLow", clipLow, { least: 0 });
  checkNumber("geoMeanLoss", "clipHigh", clipHigh, { least: 0 });
  const terms = tokenTerms("geoMeanLoss", others);
  const { advantages, logRatio, overTokens } = terms;
  const lengths = rowLengths(terms);
  const rowMean = (values: tf.Tensor): tf.Tensor => tf.div(tf.sum(values, 1, true), lengths);

  const sign = tf.sign(advantages);
  const clipped = tf.clipByValue(logRatio, -clipLow, clipHigh);
  const bounded = tf.mul(sign, tf.minimum(tf.mul(sign, logRatio), tf.mul(sign, clipped)));
  const rowLoss = tf.neg(tf.mul(rowMean(advantages), tf.exp(clampLogRatio(rowMean(bounded)))));
  const weighted =
    rolloutWeights === undefined ? rowLoss : tf.mul(rowLoss, tf.exp(rowMean(overTokens(tf.log(tf.add(rolloutWeights, WEIGHT_FLOOR))))));
  const outside = tf.notEqual(logRatio, clipped);
  return totalLoss(terms, weighted, {
    pg_clipfrac: terms.share(tf.logicalAnd(outside, tf.greater(advantages, 0))),
    pg_clipfrac_lower: terms.share(tf.logicalAnd(outside, tf.less(advantages, 0))),
    ppo_kl: tf.neg(terms.tokenMean(logRatio)),
  });
}

/** Keeps the logarithm of a weight of 0 finite, as in verl. */
const WEIGHT_FLOOR = 1e-10;
