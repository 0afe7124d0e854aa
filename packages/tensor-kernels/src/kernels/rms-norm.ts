// Root-mean-square normalisation with its gradient.
import * as tf from "@tensorflow/tfjs-core";
import { checkRows, checkShape } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";

/**
 * Returns `x / sqrt(mean(x²) + epsilon) * weight`, the mean taken over the last dimension.
 *
 * Shapes: `x [..., model] f32`, `weight [model] f32` → `[..., model] f32`.
 * Gradient: with r = 1/sqrt(mean(x²)+epsilon) and g = dy·weight, dx = r·(g − x·r·mean(g·x·r)), dweight = Σ dy·x·r.
 * Saves x, weight and r (one number per row).
 * @throws ShapeError when the last dimension of `x` is not `weight`'s length.
 * Source: arXiv 1910.07467 eq. 4; Hugging Face `Qwen2RMSNorm`.
 */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, epsilon: number): tf.Tensor {
  const [model] = checkShape("rmsNorm", "weight", weight, ["model"]);
  const [rows] = checkRows("rmsNorm", "x", x, model);
  const flat = tf.reshape(x, [rows, model]);
  const normalised = customGradient(
    [flat, weight],
    () => {
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(flat), -1, true), epsilon));
      return { value: tf.mul(tf.mul(flat, inverse), weight), saved: [flat, weight, inverse] };
    },
    (gradient, [input, scale, inverse]) => {
      const unit = tf.mul(input!, inverse!);
      const scaled = tf.mul(gradient, scale!);
      const along = tf.mean(tf.mul(scaled, unit), -1, true);
      return [tf.mul(inverse!, tf.sub(scaled, tf.mul(unit, along))), tf.sum(tf.mul(gradient, unit), 0)];
    },
  );
  return tf.reshape(normalised, x.shape);
}
