// DRO: the plain policy gradient with a quadratic penalty on the log-ratio in place of a clip.
import * as tf from "@tensorflow/tfjs-core";

import { checkNumber } from "../option-checks.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";
import { tokenTerms, totalLoss } from "./token-terms.ts";

export interface DroSettings {
  /** β, weight of the penalty, above 0. Needed: it has no usual value. */
  readonly droBeta?: number | undefined;
}

/**
 * Returns the aggregate of `ℓ = −A · log π + (β/2) (log ρ)²`. The log-ratio is not clamped: nothing is exponentiated.
 *
 * Usual aggregation `token-mean`. Shapes, masks, reduction, precision, gradients and errors as `magicLoss`. Metrics: `pg_loss, ppo_kl`.
 *
 * @throws ConfigError on a β that is not above 0.
 * Source: arXiv 2405.19107; verl 0.9.1 trainer/ppo/core_algos.py, `dro`.
 */
export function droLoss(inputs: PolicyLossInputs & DroSettings): PolicyLossResult {
  const { droBeta = Number.NaN } = inputs;
  checkNumber("droLoss", "droBeta", droBeta, { least: 0, exclusive: true });
  const terms = tokenTerms("droLoss", inputs);
  const gain = tf.mul(terms.advantages, terms.overTokens(inputs.logProbs));
  const losses = tf.sub(tf.mul(tf.square(terms.logRatio), droBeta / 2), gain);
  return totalLoss(terms, losses, { ppo_kl: tf.neg(terms.tokenMean(terms.logRatio)) });
}
