// KL to a reference policy as a differentiable penalty: estimates from sampled tokens, and the exact sum over the vocabulary.
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";

import { K3_LIMITS, klFormula } from "./kl-estimators.ts";
import type { KlEstimator, KlFormula } from "./kl-estimators.ts";
import { withoutGradient } from "./policy/without-gradient.ts";

/**
 * Returns the KL estimate per token for `difference` = log π − log π_ref, see {@link KlEstimator}; gradients flow through `difference`.
 *
 * Shapes: any f32, the result alike. Units: nats. Mask: none; entries are independent.
 * @throws ConfigError on an unknown estimator.
 * Source: verl 0.9.1 trainer/ppo/core_algos.py, `kl_penalty`.
 */
export function klPenalty<T extends Tensor>(difference: T, estimator: KlEstimator): T {
  const { value, gradientOfK2 } = klFormula("klPenalty", estimator);
  return gradientOfK2 ? straightThrough(difference, () => FORMULAS[value](difference) as T) : (FORMULAS[value](difference) as T);
}

const FORMULAS: Readonly<Record<KlFormula["value"], (difference: Tensor) => Tensor>> = {
  k1: (difference) => difference.clone(),
  abs: (difference) => tf.abs(difference),
  k2: halfSquare,
  k3,
};

/**
 * Returns KL(π ‖ π_ref) = Σ_v π_v (log π_v − log π_ref,v) per position, over the full vocabulary: no estimate, and gradients through all of
 * `logits`.
 *
 * Shapes: `logits`, `referenceLogits` [..., vocab] f32, scaled by temperature as the policy is; the result [...]. Units: nats, never negative
 * but for rounding.
 *
 * @example fullKl(tf.tensor2d([[0, 0]]), tf.tensor2d([[0, Math.log(3)]])) // [0.1438410], ln 2 − ½ ln 3
 */
export function fullKl(logits: Tensor, referenceLogits: Tensor): Tensor {
  const logProbs = tf.logSoftmax(logits);
  return tf.sum(tf.mul(tf.exp(logProbs), tf.sub(logProbs, tf.logSoftmax(referenceLogits))), -1);
}

function halfSquare<T extends Tensor>(difference: T): T {
  return tf.mul(tf.square(difference), 0.5);
}

function k3<T extends Tensor>(difference: T): T {
  const clamped = tf.clipByValue(difference, -K3_LIMITS.logRatio, K3_LIMITS.logRatio);
  // expm1 keeps small differences exact, where e^(−d) + d − 1 would cancel.
  return tf.clipByValue(tf.add(tf.expm1(tf.neg(clamped)), clamped), -K3_LIMITS.value, K3_LIMITS.value) as T;
}

/** The value of `value` with the gradient of k2. */
function straightThrough<T extends Tensor>(difference: T, value: () => T): T {
  const surrogate = halfSquare(difference);
  const offset = withoutGradient(() => tf.sub(value(), surrogate));
  return tf.add(surrogate, offset) as T;
}
