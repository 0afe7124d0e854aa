// Grouped-query attention with its gradient; repeated keys and values are never materialised.
import * as tf from "@tensorflow/tfjs-core";
import { checkShape } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";
import { ShapeError } from "@longcot/errors";

/** Arguments of {@link attention}. */
export interface AttentionInputs {
  /** `[batch, heads, time, headDim] f32`; heads is a multiple of kvHeads, and query head h reads key head ⌊h·kvHeads/heads⌋. */
  query: tf.Tensor;
  /** `[batch, kvHeads, keyTime, headDim] f32`. */
  key: tf.Tensor;
  /** `[batch, kvHeads, keyTime, headDim] f32`. */
  value: tf.Tensor;
  /** `[batch or 1, 1, time, keyTime] f32` added to the scores, a constant without gradient; absent: every key is seen. */
  bias?: tf.Tensor;
  /** Factor of the scores; absent: 1/√headDim. */
  scale?: number;
}

/**
 * Returns `softmax(scale · query · keyᵀ + bias) · value`.
 *
 * Shapes: see {@link AttentionInputs} → `[batch, heads, time, headDim] f32`.
 * The query heads that share a key head are folded into the time dimension, `[batch, kvHeads, group·time, headDim]`, so that
 * grouped-query attention is one batched product over the keys as they are.
 * Gradient (wrt query, key, value): with P the probabilities and O the output, dV = Pᵀ·dO, dS = P·(dO·Vᵀ − Σ dO·O),
 * dQ = scale·dS·K, dK = scale·dSᵀ·Q. Saves P, `[batch, heads, time, keyTime]`: memory grows with time².
 * @throws ShapeError when sizes disagree or heads is not a multiple of kvHeads.
 * Source: arXiv 2305.13245 (grouped queries); arXiv 2205.14135 §B.2 (the row sum dO·O).
 */
export function attention({ query, key, value, bias, scale }: AttentionInputs): tf.Tensor {
  const [batch, heads, time, headDim] = checkShape("attention", "query", query, ["batch", "heads", "time", "headDim"]);
  const [, kvHeads, keyTime] = checkShape("attention", "key", key, [batch, "kvHeads", "keyTime", headDim]);
  checkShape("attention", "value", value, [batch, kvHeads, keyTime, headDim]);
  if (bias !== undefined) checkShape("attention", "bias", bias, [bias.shape[0] === 1 ? 1 : batch, 1, time, keyTime]);
  if (heads % kvHeads !== 0)
    throw new ShapeError({
      who: "attention",
      argument: "query",
      expected: `heads as a multiple of ${kvHeads} key heads`,
      received: `${heads} heads`,
    });

  const factor = scale ?? 1 / Math.sqrt(headDim);
  const foldedRows = (heads / kvHeads) * time;
  const folded = tf.reshape(query, [batch, kvHeads, foldedRows, headDim]);
  const output = customGradient(
    [folded, key, value],
    () => {
      const scores = tf.matMul(tf.mul(folded, factor), key, false, true);
      const perHead = tf.reshape(scores, [batch, heads, time, keyTime]);
      const probabilities = tf.reshape(tf.softmax(bias === undefined ? perHead : tf.add(perHead, bias)), [
        batch,
        kvHeads,
        foldedRows,
        keyTime,
      ]);
      const mixed = tf.matMul(probabilities, value);
      return { value: mixed, saved: [folded, key, value, probabilities, mixed] };
    },
    (gradient, [q, k, v, probabilities, mixed]) => {
      const gradProbabilities = tf.matMul(gradient, v!, false, true);
      const rowSum = tf.sum(tf.mul(gradient, mixed!), -1, true);
      const gradScores = tf.mul(probabilities!, tf.sub(gradProbabilities, rowSum));
      return [
        tf.mul(tf.matMul(gradScores, k!), factor),
        tf.matMul(gradScores, tf.mul(q!, factor), true, false),
        tf.matMul(probabilities!, gradient, true, false),
      ];
    },
  );
  return tf.reshape(output, [batch, heads, time, headDim]);
}
