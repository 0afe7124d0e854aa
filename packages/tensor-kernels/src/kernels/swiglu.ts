// The gated activation of Llama-like feed-forward layers.
import * as tf from "@tensorflow/tfjs-core";
import { checkRows } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";
import { ShapeError } from "@longcot/errors";

/**
 * Returns `silu(gate) · up` with `silu(z) = z · sigmoid(z)`, where `gate` is the first half of the last dimension of
 * `gateUp` and `up` the second, so that both come from one matrix product.
 *
 * Shapes: `gateUp [..., 2·ffn] f32` → `[..., ffn] f32`.
 * Gradient: with s = sigmoid(gate), dgate = dy·up·s·(1 + gate·(1 − s)), dup = dy·gate·s. Saves gateUp alone: the sigmoid
 * is cheaper to compute again than to keep for every layer.
 * @throws ShapeError when the last dimension is odd.
 * Source: arXiv 2002.05202 (SwiGLU).
 */
export function swiglu(gateUp: tf.Tensor): tf.Tensor {
  const [rows, columns] = checkRows("swiglu", "gateUp", gateUp);
  if (columns % 2 !== 0)
    throw new ShapeError({
      who: "swiglu",
      argument: "gateUp",
      expected: "an even last dimension (gate, up)",
      received: `[${gateUp.shape.join(", ")}]`,
    });
  const ffn = columns / 2;
  const flat = tf.reshape(gateUp, [rows, columns]);
  const halves = (both: tf.Tensor): [gate: tf.Tensor, up: tf.Tensor] => [
    tf.slice(both, [0, 0], [rows, ffn]),
    tf.slice(both, [0, ffn], [rows, ffn]),
  ];
  const activated = customGradient(
    [flat],
    () => {
      const [gate, up] = halves(flat);
      return { value: tf.mul(tf.mul(gate, tf.sigmoid(gate)), up), saved: [flat] };
    },
    (gradient, [saved]) => {
      const [gate, up] = halves(saved!);
      const sigmoid = tf.sigmoid(gate);
      const silu = tf.mul(gate, sigmoid);
      const slope = tf.add(sigmoid, tf.mul(silu, tf.sub(1, sigmoid)));
      return [tf.concat([tf.mul(tf.mul(gradient, up), slope), tf.mul(gradient, silu)], -1)];
    },
  );
  return tf.reshape(activated, [...gateUp.shape.slice(0, -1), ffn]);
}
