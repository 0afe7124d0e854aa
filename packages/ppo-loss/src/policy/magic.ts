// The MAGIC policy loss of Skywork-OR1: token-averaged clipped surrogate plus weighted entropy. No KL, no dual clip,
// no length normalisation.
import * as tf from "@tensorflow/tfjs-core";

import { checkClipRange, checkPolicyLossInputs } from "./policy-loss.ts";
import type { MetricReduction, PolicyLossInputs, PolicyLossResult } from "./policy-loss.ts";

/**
 * Log-ratios are clamped to ±20 nats before `exp`, as verl does: e^20 is far outside every clip range, while
 * unclamped log-ratios beyond 88 overflow float32. Beyond the clamp the gradient is 0.
 */
export const LOG_RATIO_LIMIT = 20;

export interface MagicLossInputs extends PolicyLossInputs {
  /** ε_low: the ratio is clipped below at `1 - clipLow`. Default 0.2. */
  readonly clipLow?: number;
  /** ε_high: the ratio is clipped above at `1 + clipHigh`. Default 0.2. */
  readonly clipHigh?: number;
}

/**
 * Metrics of {@link magicLoss}, under verl's names without their `actor/` prefix. D is `tokenDenominator`, sums run over
 * tokens with mask 1.
 * - `pg_loss`: −Σ surrogate / D.
 * - `entropy_loss`: Σ H / D in nats, the mean entropy.
 * - `pg_clipfrac`: fraction of tokens where clipping lowers the surrogate, that is where the gradient is cut.
 * - `ppo_kl`: Σ (old − new log-probability) / D in nats, the k1 estimate.
 * - `ratio_mean`: Σ ρ / D. `ratio_max`: largest ρ, 0 when no token is in the mask.
 */
export type MagicMetric = "pg_loss" | "entropy_loss" | "pg_clipfrac" | "ppo_kl" | "ratio_mean" | "ratio_max";

/** How each metric combines over micro-batches. */
export const magicMetricReductions: Readonly<Record<MagicMetric, MetricReduction>> = {
  pg_loss: "sum",
  entropy_loss: "sum",
  pg_clipfrac: "sum",
  ppo_kl: "sum",
  ratio_mean: "sum",
  ratio_max: "max",
};

/**
 * Returns `L = −(1/D) Σ [ min(ρA, clip(ρ, 1−ε_low, 1+ε_high)A) + αH ]` with `ρ = exp(logProbs − oldLogProbs)`,
 * D the token denominator and α the entropy coefficient.
 *
 * Shapes: as in {@link PolicyLossInputs}; the result holds scalars f32.
 * Mask/Reduction: sum over tokens with mask above 0, divided by D and by nothing else, so that losses and gradients of
 * micro-batches add up to those of the whole batch when all get the batch's D. Masked entries reach neither value nor
 * gradient, whatever they hold. A mask of zeros gives loss 0 and gradient 0; D = 0 is refused as a number and gives
 * NaN as a tensor (see `countResponseTokens`).
 * Precision: float32; log-ratios beyond ±{@link LOG_RATIO_LIMIT} saturate. Where ρA equals its clipped twin the
 * gradient is that of ρA.
 *
 * Gradients: with respect to `logProbs` and `entropies`, from tfjs. Under eager `tf.valueAndGrads` tensors made inside
 * are disposed: `tf.keep` the metrics to read them afterwards.
 *
 * @throws ShapeError, NumericError, ConfigError as {@link checkPolicyLossInputs} and on a clip range that is none.
 * Source: arXiv 2505.22312 eq. 3.1; clamp and metric names of verl 0.9.1 trainer/ppo/core_algos.py.
 */
export function magicLoss(inputs: MagicLossInputs): PolicyLossResult<MagicMetric> {
  const {
    logProbs,
    oldLogProbs,
    advantages,
    mask,
    entropies,
    tokenDenominator,
    entropyCoefficient,
    clipLow = 0.2,
    clipHigh = 0.2,
  } = inputs;
  checkPolicyLossInputs("magicLoss", inputs);
  checkClipRange("magicLoss", clipLow, clipHigh);

  // Selecting, not multiplying: infinities behind the end of a response must not become NaN.
  const isToken = tf.greater(mask, 0);
  const zeros = tf.zerosLike(mask);
  const overTokens = (values: tf.Tensor) => tf.where(isToken, values, zeros);
  const mean = (values: tf.Tensor) => tf.div<tf.Scalar>(tf.sum(values), tokenDenominator);

  const logRatio = tf.clipByValue(overTokens(tf.sub(logProbs, oldLogProbs)), -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT);
  const ratio = tf.exp(logRatio);
  const perToken = advantages.rank === 1 ? tf.mul(tf.expandDims(advantages, 1), tf.onesLike(mask)) : advantages;
  const tokenAdvantages = overTokens(perToken);
  const unclipped = tf.mul(ratio, tokenAdvantages);
  const clipped = tf.mul(tf.clipByValue(ratio, 1 - clipLow, 1 + clipHigh), tokenAdvantages);

  const pgLoss = tf.neg(mean(tf.minimum(unclipped, clipped)));
  const entropy = mean(overTokens(entropies));
  const tokenRatio = overTokens(ratio);
  return {
    loss: tf.sub<tf.Scalar>(pgLoss, tf.mul(entropy, entropyCoefficient)),
    metrics: {
      pg_loss: pgLoss,
      entropy_loss: entropy,
      pg_clipfrac: mean(tf.cast(tf.greater(unclipped, clipped), "float32")),
      ppo_kl: tf.neg(mean(logRatio)),
      ratio_mean: mean(tokenRatio),
      ratio_max: tf.max(tokenRatio),
    },
  };
}
