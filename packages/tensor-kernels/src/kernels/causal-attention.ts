// Causal attention of a whole sequence, by whichever kernel is faster for its length.
import type * as tf from "@tensorflow/tfjs-core";
import { traceOptions } from "../engine/trace-backend.ts";
import { attention } from "./attention.ts";
import { causalBias, firstKeysBias } from "./attention-mask.ts";
import { blockAttention } from "./block-attention.ts";
import type { BlockAttentionInputs } from "./block-attention.ts";

/** Longest sequence whose scores are computed whole: below, blocks save no time. */
export const LONGEST_WHOLE_ATTENTION = 256;
const LEAST_BLOCK = 128;

interface AttentionSizes {
  /** Longest sequence whose scores are computed whole. */
  whole: number;
  /** Bytes of a block of scores. */
  blockBytes: number;
  mostBlock: number;
}

/** A few blocks stay in a processor's cache. */
const ON_CPU: AttentionSizes = { whole: LONGEST_WHOLE_ATTENTION, blockBytes: 4 * 1024 * 1024, mostBlock: 512 };
/** A loop's turn costs the host as much as a large block costs the GPU. */
const ON_GPU: AttentionSizes = { whole: 1024, blockBytes: 256 * 1024 * 1024, mostBlock: 1024 };

/**
 * Returns `softmax(query · keyᵀ / √headDim) · value` over the keys `firstKeys[t] ≤ key ≤ t` of each query t.
 *
 * Shapes: `query [batch, heads, time, headDim] f32`, `key`, `value [batch, kvHeads, time, headDim] f32`, `firstKeys [batch, time] int32` or absent
 * (0) → `[batch, heads, time, headDim] f32`.
 * Memory: `[batch, heads, time, time]` up to 256 positions, beyond that a few blocks of 4 MiB; on a GPU 1,024 positions, 256 MiB.
 * Gradient: wrt query, key, value.
 */
export function causalAttention(inputs: Omit<BlockAttentionInputs, "blockTime">): tf.Tensor {
  const [batch, heads, time] = inputs.query.shape as [number, number, number];
  const sizes = traceOptions()?.gpu === true ? ON_GPU : ON_CPU;
  if (time > sizes.whole) return blockAttention({ ...inputs, blockTime: blockTimeFor(batch * heads, time, sizes) });
  const { firstKeys, ...projections } = inputs;
  return attention({ ...projections, bias: firstKeys === undefined ? causalBias(time) : firstKeysBias(firstKeys) });
}

/** The power of two whose blocks of scores are nearest below `blockBytes`. */
export function blockTimeFor(heads: number, time: number, { blockBytes, mostBlock }: AttentionSizes = ON_CPU): number {
  const fitting = 2 ** Math.floor(Math.log2(Math.sqrt(blockBytes / (4 * heads))));
  return Math.min(time, Math.max(LEAST_BLOCK, Math.min(mostBlock, fitting)));
}
