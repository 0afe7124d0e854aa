// Additive attention masks, built by ops from shapes and segment ids (no square constant in a graph).
import * as tf from "@tensorflow/tfjs-core";
import { checkShape } from "./check-shape.ts";

/**
 * What a forbidden score gets added. Finite, so that a row with nothing allowed is uniform junk and not NaN; large enough
 * that exp underflows to exactly 0 beside any allowed score.
 */
export const MASKED_SCORE = -1e9;

/** `[1, 1, time, time] bool`: key position ≤ query position, and among the last `window` positions up to it. */
function causal(time: number, window = time): tf.Tensor {
  const positions = Int32Array.from({ length: time }, (_, position) => position);
  const keys = tf.tensor(positions, [1, 1, 1, time], "int32");
  const queries = tf.tensor(positions, [1, 1, time, 1], "int32");
  const past = tf.lessEqual(keys, queries);
  if (window >= time) return past;
  return tf.logicalAnd(past, tf.greater(keys, tf.sub(queries, tf.scalar(window, "int32"))));
}

/** 0 where allowed, {@link MASKED_SCORE} elsewhere. */
export function additiveMask(allowed: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(1, tf.cast(allowed, "float32")), MASKED_SCORE);
}

/**
 * Returns the bias of causal attention: 0 where key ≤ query, {@link MASKED_SCORE} elsewhere. Shape: `[1, 1, time, time] f32`.
 * `window`: most positions seen, the query's own included (sliding window); absent: all.
 */
export function causalBias(time: number, window?: number): tf.Tensor {
  return additiveMask(causal(time, window));
}

/**
 * Returns the bias of causal attention within segments: position i sees j when j ≤ i and both have one segment id.
 *
 * Shapes: `segmentIds [batch, time] int32` → `[batch, 1, time, time] f32`.
 * Mask: several sequences packed in a row are numbered 1, 2, …; 0 is padding. Padding is a segment of its own: nothing else
 * sees it, and every row, padding too, sees at least itself, so that no row is fully masked.
 * @throws ShapeError when `segmentIds` is not an int32 matrix.
 */
export function packedCausalBias(segmentIds: tf.Tensor): tf.Tensor {
  const [batch, time] = checkShape("packedCausalBias", "segmentIds", segmentIds, ["batch", "time"], "int32");
  const sameSegment = tf.equal(tf.reshape(segmentIds, [batch, 1, time, 1]), tf.reshape(segmentIds, [batch, 1, 1, time]));
  return additiveMask(tf.logicalAnd(sameSegment, causal(time)));
}

/**
 * Returns the first position that each query sees: its own sequence's first, and with a sliding `window` at most `window` positions, its own included.
 *
 * Shapes: `positions [batch, time] int32`, a token's position within its sequence; sequences packed in a row follow each other from position 0
 * → `[batch, time] int32`.
 */
export function firstVisibleKeys(positions: tf.Tensor, window?: number): tf.Tensor {
  const [, time] = checkShape("firstVisibleKeys", "positions", positions, ["batch", "time"], "int32");
  const places = tf.tensor2d(
    Int32Array.from({ length: time }, (_, place) => place),
    [1, time],
    "int32",
  );
  const starts = tf.sub(places, positions);
  return window === undefined || window >= time ? starts : tf.maximum(starts, tf.sub(places, tf.scalar(window - 1, "int32")));
}

/**
 * Returns the bias of causal attention over the keys from `firstKeys[t]` on: 0 there, {@link MASKED_SCORE} elsewhere.
 *
 * Shapes: `firstKeys [batch, time] int32`, each at most its own position → `[batch, 1, time, time] f32`.
 */
export function firstKeysBias(firstKeys: tf.Tensor): tf.Tensor {
  const [batch, time] = checkShape("firstKeysBias", "firstKeys", firstKeys, ["batch", "time"], "int32");
  const keys = tf.tensor(
    Int32Array.from({ length: time }, (_, key) => key),
    [1, 1, 1, time],
    "int32",
  );
  return additiveMask(tf.logicalAnd(causal(time), tf.greaterEqual(keys, tf.reshape(firstKeys, [batch, 1, time, 1]))));
}
