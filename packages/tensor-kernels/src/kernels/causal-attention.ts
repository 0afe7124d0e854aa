// Causal attention of a whole sequence, by whichever kernel is faster for its length.
import type * as tf from "@tensorflow/tfjs-core";
import { attention } from "./attention.ts";
import { causalBias, firstKeysBias } from "./attention-mask.ts";
import { blockAttention } from "./block-attention.ts";
import type { BlockAttentionInputs } from "./block-attention.ts";

/** Longest sequence whose scores are computed whole: below, blocks save no time. */
export const LONGEST_WHOLE_ATTENTION = 256;
/** Bytes of a block of scores: a few of this size stay in a processor's cache. */
const BLOCK_BYTES = 4 * 1024 * 1024;
const [LEAST_BLOCK, MOST_BLOCK] = [128, 512];

/**
 * Returns `softmax(query · keyᵀ / √headDim) · value` over the keys `firstKeys[t] ≤ key ≤ t` of each query t.
 *
 * Shapes: `query [batch, heads, time, headDim] f32`, `key`, `value [batch, kvHeads, time, headDim] f32`, `firstKeys [batch, time] int32` or absent
 * (0) → `[batch, heads, time, headDim] f32`.
 * Memory: `[batch, heads, time, time]` up to 256 positions, beyond that a few blocks of 4 MiB.
 * Gradient: wrt query, key, value.
 */
export function causalAttention(inputs: Omit<BlockAttentionInputs, "blockTime">): tf.Tensor {
  const [batch, heads, time] = inputs.query.shape as [number, number, number];
  if (time > LONGEST_WHOLE_ATTENTION) return blockAttention({ ...inputs, blockTime: blockTimeFor(batch * heads, time) });
  const { firstKeys, ...projections } = inputs;
  return attention({ ...projections, bias: firstKeys === undefined ? causalBias(time) : firstKeysBias(firstKeys) });
}

/** The power of two whose blocks of scores are nearest below {@link BLOCK_BYTES}. */
export function blockTimeFor(heads: number, time: number): number {
  const fitting = 2 ** Math.floor(Math.log2(Math.sqrt(BLOCK_BYTES / (4 * heads))));
  return Math.min(time, Math.max(LEAST_BLOCK, Math.min(MOST_BLOCK, fitting)));
}
