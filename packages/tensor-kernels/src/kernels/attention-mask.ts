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
function additive(allowed: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(1, tf.cast(allowed, "float32")), MASKED_SCORE);
}

/**
 * Returns the bias of causal attention: 0 where key ≤ query, {@link MASKED_SCORE} elsewhere. Shape: `[1, 1, time, time] f32`.
 * `window`: most positions seen, the query's own included (sliding window); absent: all.
 */
export function causalBias(time: number, window?: number): tf.Tensor {
  return additive(causal(time, window));
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
  return additive(tf.logicalAnd(sameSegment, causal(time)));
}
