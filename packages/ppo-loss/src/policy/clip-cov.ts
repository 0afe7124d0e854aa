// Clip-Cov: some of the tokens whose log-probability and advantage covary most lose their gradient, so that entropy is not spent on them.
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor2D } from "@tensorflow/tfjs-core";

import type { ClipSettings } from "./clipped-surrogate.ts";
import { checkClipRange, checkSelected } from "./policy-loss.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";
import { clampLogRatio, tokenTerms, totalLoss } from "./token-terms.ts";

export interface ClipCovSettings extends ClipSettings {
  /** [batch, time] f32, 1 on the tokens that `selectClipCovTokens` chose over the whole batch, 0 elsewhere. Needed. */
  readonly selected?: Tensor2D | undefined;
}

/**
 * Returns the aggregate of `ℓ = max(−ρA, −clip(ρ, 1−ε_low, 1+ε_high)·A)`, 0 on selected tokens.
 *
 * Defaults: clip range 0.2 to both sides; usual aggregation `token-mean`. Shapes, masks, reduction, precision, gradients and errors as
 * `magicLoss`. Metrics: `pg_loss, pg_clipfrac` (share of selected tokens, as in verl), `ppo_kl`.
 * Source: arXiv 2505.22617 eq. 10 to 12; verl 0.9.1 trainer/ppo/core_algos.py, `clip_cov`.
 */
export function clipCovLoss(inputs: PolicyLossInputs & ClipCovSettings): PolicyLossResult {
  const who = "clipCovLoss";
  const { clipLow = 0.2, clipHigh = 0.2, selected } = inputs;
  checkClipRange(who, clipLow, clipHigh);
  const terms = tokenTerms(who, inputs);
  checkSelected(who, selected, inputs);
  const logRatio = clampLogRatio(terms.logRatio);
  const ratio = tf.exp(logRatio);
  const negated = tf.neg(terms.advantages);
  const surrogate = tf.maximum(tf.mul(ratio, negated), tf.mul(tf.clipByValue(ratio, 1 - clipLow, 1 + clipHigh), negated));
  const isSelected = tf.greater(terms.overTokens(selected), 0);
  return totalLoss(terms, tf.where(isSelected, tf.zerosLike(surrogate), surrogate), {
    pg_clipfrac: terms.share(isSelected),
    ppo_kl: tf.neg(terms.tokenMean(terms.logRatio)),
  });
}
