// SAPO: a soft gate in place of the clip; tokens far from the old policy fade out instead of being cut.
import * as tf from "@tensorflow/tfjs-core";

import { checkNumber } from "../option-checks.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";
import { clampLogRatio, tokenTerms, totalLoss } from "./token-terms.ts";

export interface SapoSettings {
  /** τ where A > 0. Default 1. */
  readonly tauPositive?: number | undefined;
  /** τ where A ≤ 0: larger fades faster. Default 1.05. */
  readonly tauNegative?: number | undefined;
}

/**
 * Returns the aggregate of `ℓ = −A · (4/τ) · sigmoid(τ(ρ − 1))`, whose gradient at ρ = 1 is that of −ρA.
 *
 * Usual aggregation `seq-mean-token-mean`. Shapes, masks, reduction, precision, gradients and errors as `magicLoss`.
 * Metrics: `pg_loss, ppo_kl`; nothing is clipped.
 *
 * @throws ConfigError on a τ that is not above 0.
 * Source: arXiv 2511.20347; verl 0.9.1 trainer/ppo/core_algos.py, `sapo`.
 */
export function sapoLoss(inputs: PolicyLossInputs & SapoSettings): PolicyLossResult {
  const { tauPositive = 1, tauNegative = 1.05 } = inputs;
  checkNumber("sapoLoss", "tauPositive", tauPositive, { least: 0, exclusive: true });
  checkNumber("sapoLoss", "tauNegative", tauNegative, { least: 0, exclusive: true });
  const terms = tokenTerms("sapoLoss", inputs);
  const { advantages } = terms;
  const logRatio = clampLogRatio(terms.logRatio);
  const shape = advantages.shape;
  const tau = tf.where(tf.greater(advantages, 0), tf.fill(shape, tauPositive), tf.fill(shape, tauNegative));
  const gate = tf.sigmoid(tf.mul(tau, tf.sub(tf.exp(logRatio), 1)));
  const coefficient = tf.div(tf.mul(advantages, -4), tau);
  return totalLoss(terms, tf.mul(gate, coefficient), { ppo_kl: tf.neg(terms.tokenMean(logRatio)) });
}
