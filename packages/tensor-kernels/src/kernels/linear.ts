// A dense layer as one matrix product.
import * as tf from "@tensorflow/tfjs-core";
import { denseProduct } from "../engine/dense-product.ts";
import { checkRows, checkShape } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";

/**
 * Returns `x · weight + bias`, as one `[tokens, in] × [in, out]` product whatever the rank of `x`.
 *
 * Shapes: `x [..., in] f32`, `weight [in, out] f32` (the transpose of PyTorch's), `bias [out] f32` or absent (no bias)
 * → `[..., out] f32`.
 * Gradient: dx = dy · weightᵀ, dweight = xᵀ · dy, dbias = Σ dy. Saves x and weight.
 * Precision: products in the engine's, see {@link denseProduct}; the sum of dbias in float32.
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
      const value = denseProduct(flat, weight);
      return { value: bias === undefined ? value : tf.add(value, bias), saved: [flat, weight] };
    },
    (gradient, [input, matrix]) => {
      const gradients = [denseProduct(gradient, matrix!, false, true), denseProduct(input!, gradient, true, false)];
      return bias === undefined ? gradients : [...gradients, tf.sum(gradient, 0)];
    },
  );
  return tf.reshape(product, [...x.shape.slice(0, -1), outSize]);
}

/**
 * Returns the outputs of several dense layers that read one input and whose weights lie side by side: part i is
 * `x · weight[:, columns of i] + bias[columns of i]`.
 *
 * Shapes: `x [..., in] f32`, `weight [in, Σ sizes] f32`, `bias [Σ sizes] f32` or absent → `[..., sizes[i]] f32` each.
 * One product is cut afterwards where `x` has fewer rows than the weight; else the weight is cut first, which moves less memory.
 * Gradient: of the products and the cut.
 * @throws ShapeError when the sizes do not match.
 */
export function linearParts(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | undefined, sizes: readonly number[]): tf.Tensor[] {
  const outSize = sizes.reduce((sum, size) => sum + size, 0);
  const [inSize] = checkShape("linearParts", "weight", weight, ["in", outSize]);
  const [rows] = checkRows("linearParts", "x", x, inSize);
  if (rows < inSize) return tf.split(linear(x, weight, bias), [...sizes], -1);
  const weights = tf.split(weight, [...sizes], 1);
  const biases = bias === undefined ? undefined : tf.split(bias, [...sizes], 0);
  return weights.map((part, i) => linear(x, part, biases?.[i]));
}
