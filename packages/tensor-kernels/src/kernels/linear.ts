// A dense layer as one matrix product.
import * as tf from "@tensorflow/tfjs-core";
import { checkRows, checkShape } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";

/**
 * Returns `x · weight + bias`, as one `[tokens, in] × [in, out]` product whatever the rank of `x`.
 *
 * Shapes: `x [..., in] f32`, `weight [in, out] f32` (the transpose of PyTorch's), `bias [out] f32` or absent (no bias)
 * → `[..., out] f32`.
 * Gradient: dx = dy · weightᵀ, dweight = xᵀ · dy, dbias = Σ dy. Saves x and weight.
 * @throws ShapeError when the sizes do not match.
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [inSize, outSize] = checkShape("linear", "weight", weight, ["in", "out"]);
  const [tokens] = checkRows("linear", "x", x, inSize);
  if (bias !== undefined) checkShape("linear", "bias", bias, [outSize]);
  const flat = tf.reshape(x, [tokens, inSize]);
  const product = customGradient(
    bias === undefined ? [flat, weight] : [flat, weight, bias],
    () => {
      const value = tf.matMul(flat, weight);
      return { value: bias === undefined ? value : tf.add(value, bias), saved: [flat, weight] };
    },
    (gradient, [input, matrix]) => {
      const gradients = [
        tf.matMul(gradient, matrix!, false, true),
        tf.matMul(input!, gradient, true, false),
      ];
      return bias === undefined ? gradients : [...gradients, tf.sum(gradient, 0)];
    },
  );
  return tf.reshape(product, [...x.shape.slice(0, -1), outSize]);
}
