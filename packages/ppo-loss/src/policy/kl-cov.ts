// KL-Cov: the tokens whose log-probability and advantage covary most are held near the old policy by a penalty.
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor2D } from "@tensorflow/tfjs-core";

import { checkNumber } from "../option-checks.ts";
import { checkSelected } from "./policy-loss.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";
import { clampLogRatio, tokenTerms, totalLoss } from "./token-terms.ts";

export interface KlCovSettings {
  /** [batch, time] f32, 1 on the tokens that `selectKlCovTokens` chose over the whole batch, 0 elsewhere. Needed. */
  readonly selected?: Tensor2D | undefined;
  /** Weight of |log ρ| on selected tokens. Default 1. */
  readonly ppoKlCoefficient?: number | undefined;
}

/**
 * Returns the aggregate of `ℓ = −ρA`, plus `ppoKlCoefficient · |log ρ|` on selected tokens. Nothing is clipped.
 *
 * Usual aggregation `token-mean`. Shapes, masks, reduction, precision, gradients and errors as `magicLoss`.
 * Metrics: `pg_loss`, and `ppo_kl`, here Σ |log ρ| / N as in verl.
 * Source: arXiv 2505.22617 eq. 13 and 14; verl 0.9.1 trainer/ppo/core_algos.py, `kl_cov`.
 */
export function klCovLoss(inputs: PolicyLossInputs & KlCovSettings): PolicyLossResult {
  const who = "klCovLoss";
  const { selected, ppoKlCoefficient = 1 } = inputs;
  checkNumber(who, "ppoKlCoefficient", ppoKlCoefficient, { least: 0 });
  const terms = tokenTerms(who, inputs);
  checkSelected(who, selected, inputs);
  const distance = tf.abs(terms.logRatio);
  const surrogate = tf.neg(tf.mul(tf.exp(clampLogRatio(terms.logRatio)), terms.advantages));
  const penalty = tf.mul(distance, tf.mul(terms.overTokens(selected), ppoKlCoefficient));
  return totalLoss(terms, tf.add(surrogate, penalty), { ppo_kl: terms.tokenMean(distance) });
}
