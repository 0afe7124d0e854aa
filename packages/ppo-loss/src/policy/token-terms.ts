// The terms that policy losses are made of, free of what padding holds, and the sum that turns token losses into a loss.
import * as tf from "@tensorflow/tfjs-core";
import type { Scalar, Tensor, Tensor2D } from "@tensorflow/tfjs-core";

import { klPenalty } from "../kl-penalty.ts";
import { checkPolicyLossInputs } from "./policy-loss.ts";
import type { PolicyLossInputs, PolicyLossResult, PolicyMetric } from "./policy-loss.ts";

/**
 * Log-ratios are clamped to ±20 nats before `exp`, as verl does: e^20 is far outside every clip range, while
 * unclamped log-ratios beyond 88 overflow float32. Beyond the clamp the gradient is 0.
 */
export const LOG_RATIO_LIMIT = 20;

/** Token columns [batch, time] f32 that are 0 outside the mask, and reductions over the mask. */
export interface TokenTerms {
  readonly inputs: PolicyLossInputs;
  /** 1 on response tokens, 0 elsewhere. */
  readonly mask: Tensor2D;
  /** log π − log π_old. */
  readonly logRatio: Tensor2D;
  readonly advantages: Tensor2D;
  /** `values` on response tokens, 0 elsewhere, whatever they hold there. */
  readonly overTokens: (values: Tensor) => Tensor2D;
  /** Σ / tokenDenominator of values that are 0 outside the mask. */
  readonly tokenMean: (values: Tensor) => Scalar;
  /** Share of response tokens where `condition`, false outside the mask, holds. */
  readonly share: (condition: Tensor) => Scalar;
}

/** Checks `inputs` and returns their terms. @throws as {@link checkPolicyLossInputs}. */
export function tokenTerms(who: string, inputs: PolicyLossInputs): TokenTerms {
  checkPolicyLossInputs(who, inputs);
  const { logProbs, oldLogProbs, advantages, tokenDenominator } = inputs;
  // Selecting, not multiplying: infinities behind the end of a response must not become NaN.
  const isToken = tf.greater(inputs.mask, 0);
  const mask = tf.cast(isToken, "float32") as Tensor2D;
  const zeros = tf.zerosLike(mask);
  const overTokens = (values: Tensor): Tensor2D => tf.where(isToken, values, zeros) as Tensor2D;
  const tokenMean = (values: Tensor): Scalar => tf.div(tf.sum(values), tokenDenominator);
  const perToken = advantages.rank === 1 ? tf.mul(tf.expandDims(advantages, 1), tf.onesLike(mask)) : advantages;
  return {
    inputs,
    mask,
    logRatio: overTokens(tf.sub(logProbs, oldLogProbs)),
    advantages: overTokens(perToken),
    overTokens,
    tokenMean,
    share: (condition) => tokenMean(tf.cast(condition, "float32")),
  };
}

/** log ρ clamped to ±{@link LOG_RATIO_LIMIT}, so that ρ = exp of it is finite. */
export function clampLogRatio(logRatio: Tensor): Tensor2D {
  return tf.clipByValue(logRatio, -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT) as Tensor2D;
}

/** Response tokens of each row [batch, 1], 1 for a row without any. */
export function rowLengths({ mask }: TokenTerms): Tensor2D {
  return tf.maximum(tf.sum(mask, 1, true), 1) as Tensor2D;
}

/**
 * Returns `Σ_i rowWeights_i Σ_t (ℓ·w − α·H + β·k)` with its metrics: ℓ = `tokenLosses`, w the rollout weights, H the entropies, k the KL or
 * its estimates, each where it is given.
 */
export function totalLoss(
  { inputs, mask, overTokens }: TokenTerms,
  tokenLosses: Tensor,
  metrics: Readonly<Partial<Record<PolicyMetric, Scalar>>>,
): PolicyLossResult {
  const { rowWeights, rolloutWeights, entropies, entropyCoefficient, klCoefficient } = inputs;
  const weights = tf.mul(mask, tf.expandDims(rowWeights, 1));
  const aggregate = (values: Tensor): Scalar => tf.sum(tf.mul(values, weights));
  const pgLoss = aggregate(rolloutWeights === undefined ? tokenLosses : tf.mul(tokenLosses, overTokens(rolloutWeights)));
  const result: { loss: Scalar; metrics: Partial<Record<PolicyMetric, Scalar>> } = {
    loss: pgLoss,
    metrics: { pg_loss: pgLoss, ...metrics },
  };
  if (entropies !== undefined) {
    const entropy = aggregate(overTokens(entropies));
    result.metrics.entropy_loss = entropy;
    result.loss = tf.sub(result.loss, tf.mul(entropy, entropyCoefficient!));
  }
  const kl = referenceKl(inputs, overTokens);
  if (kl !== undefined) {
    result.metrics.kl_loss = aggregate(kl);
    result.loss = tf.add(result.loss, tf.mul(result.metrics.kl_loss, klCoefficient!));
  }
  return result;
}

/** KL to the reference per token, 0 outside the mask: exact where it is given, else estimated; undefined without a reference. */
function referenceKl(
  { logProbs, referenceKl: exact, referenceLogProbs, klEstimator = "k3" }: PolicyLossInputs,
  overTokens: TokenTerms["overTokens"],
): Tensor2D | undefined {
  if (exact !== undefined) return overTokens(exact);
  return referenceLogProbs && klPenalty(overTokens(tf.sub(logProbs, referenceLogProbs)), klEstimator);
}
