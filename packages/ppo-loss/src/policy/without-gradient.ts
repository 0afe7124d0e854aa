// Stop-gradient, which tfjs has no op for.
import * as tf from "@tensorflow/tfjs-core";

/**
 * Returns what `compute` returns, as a constant of the surrounding differentiation: nothing inside is recorded, so that no gradient is
 * computed through it at all.
 */
export function withoutGradient<T extends tf.Tensor>(compute: () => T): T {
  return tf.customGrad(() => ({ value: compute(), gradFunc: () => [] }))() as T;
}
