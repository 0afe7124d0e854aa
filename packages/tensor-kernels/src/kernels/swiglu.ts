// The gated activation of Llama-like feed-forward layers.
import * as tf from "@tensorflow/tfjs-core";
import { checkShape } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";
import { ShapeError } from "@longcot/errors";

/**
 * Returns `silu(gate) · up` with `silu(z) = z · sigmoid(z)`.
 *
 * Shapes: `gate`, `up [..., ffn] f32` → `[..., ffn] f32`.
 * Gradient: with s = sigmoid(gate), dgate = dy·up·s·(1 + gate·(1 − s)), dup = dy·gate·s. Saves gate and up: the sigmoid
 * is cheaper to compute again than to keep for every layer.
 * @throws ShapeError when the shapes differ.
 * Source: arXiv 2002.05202 (SwiGLU).
 */
export function swiglu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  if (gate.shape.length === 0) throw new ShapeError({ who: "swiglu", argument: "gate", expected: "[..., ffn]", received: "a scalar" });
  checkShape("swiglu", "gate", gate, gate.shape);
  checkShape("swiglu", "up", up, gate.shape);
  return customGradient(
    [gate, up],
    () => ({ value: tf.mul(tf.mul(gate, tf.sigmoid(gate)), up), saved: [gate, up] }),
    (gradient, [savedGate, savedUp]) => {
      const sigmoid = tf.sigmoid(savedGate!);
      const silu = tf.mul(savedGate!, sigmoid);
      const slope = tf.add(sigmoid, tf.mul(silu, tf.sub(1, sigmoid)));
      return [tf.mul(tf.mul(gradient, savedUp!), slope), tf.mul(gradient, silu)];
    },
  );
}
