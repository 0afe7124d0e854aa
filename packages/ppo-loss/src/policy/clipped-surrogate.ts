// PPO's clipped surrogate with its optional second bound: what PPO, GRPO, Dr. GRPO, DAPO and MAGIC have in common.
import * as tf from "@tensorflow/tfjs-core";

import { checkNumber } from "../option-checks.ts";
import { checkClipRange } from "./policy-loss.ts";
import type { PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";
import { clampLogRatio, tokenTerms, totalLoss } from "./token-terms.ts";
import { withoutGradient } from "./without-gradient.ts";

/** Settings of a clipped surrogate. */
export interface ClipSettings {
  /** ε_low: the ratio is clipped below at `1 − clipLow`. */
  readonly clipLow?: number | undefined;
  /** ε_high: the ratio is clipped above at `1 + clipHigh`. */
  readonly clipHigh?: number | undefined;
}

/** Settings of a clipped surrogate with a second bound. */
export interface DualClipSettings extends ClipSettings {
  /** c > 1: where A < 0 the token loss is at most `−A·c`. Absent: no such bound. */
  readonly dualClip?: number | undefined;
}

/**
 * Returns `ℓ = max(−ρA, −clip(ρ, 1−ε_low, 1+ε_high)·A)`, at most `−A·c` where A < 0, per token, aggregated by `rowWeights`, with bonus and
 * penalty as {@link PolicyLossInputs} say; `ρ = exp(logProbs − oldLogProbs)`.
 *
 * Metrics: `pg_clipfrac` is the share of tokens where clipping raises the loss, `pg_clipfrac_lower` of those that the second bound cuts.
 * Where both sides of the maximum are equal the gradient is that of −ρA.
 */
export function clippedSurrogate(
  who: string,
  inputs: PolicyLossInputs,
  { clipLow = 0.2, clipHigh = 0.2, dualClip }: DualClipSettings,
): PolicyLossResult {
  checkClipRange(who, clipLow, clipHigh);
  if (dualClip !== undefined) checkNumber(who, "dualClip", dualClip, { least: 1, exclusive: true });
  const terms = tokenTerms(who, inputs);
  const logRatio = clampLogRatio(terms.logRatio);
  const ratio = tf.exp(logRatio);
  const negated = tf.neg(terms.advantages);
  const unclipped = tf.mul(ratio, negated);
  const clipped = tf.mul(tf.clipByValue(ratio, 1 - clipLow, 1 + clipHigh), negated);
  const surrogate = tf.maximum(unclipped, clipped);
  const metrics = {
    pg_clipfrac: terms.share(tf.greater(clipped, unclipped)),
    ppo_kl: tf.neg(terms.tokenMean(logRatio)) as tf.Scalar,
    ratio_mean: terms.tokenMean(tf.mul(ratio, terms.mask)),
    ratio_max: tf.max(tf.mul(ratio, terms.mask)) as tf.Scalar,
  };
  if (dualClip === undefined) return totalLoss(terms, surrogate, metrics);
  const bound = tf.mul(negated, dualClip);
  const isCut = withoutGradient(() => tf.logicalAnd(tf.greater(surrogate, bound), tf.greater(negated, 0)));
  return totalLoss(terms, tf.where(isCut, bound, surrogate), { ...metrics, pg_clipfrac_lower: terms.share(isCut) });
}
