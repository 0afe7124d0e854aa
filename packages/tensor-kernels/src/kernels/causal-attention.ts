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
const BLOCK_STEP = 16;

interface AttentionSizes {
  /** Longest sequence whose scores are computed whole. */
  whole: number;
  /** Most bytes of a block of scores. */
  blockBytes: number;
  mostBlock: number;
  /** Blocks of a sequence, where they come out no shorter than the least: the more, the more of the square above the diagonal is left out. */
  leastCount: number;
}

/** A few blocks stay in a processor's cache. */
const ON_CPU: AttentionSizes = { whole: LONGEST_WHOLE_ATTENTION, blockBytes: 4 * 1024 * 1024, mostBlock: 512, leastCount: 4 };
/** A loop's turn costs the host as much as a large block costs the GPU. */
const ON_GPU: AttentionSizes = { whole: 1024, blockBytes: 256 * 1024 * 1024, mostBlock: 1024, leastCount: 1 };

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

/** Positions of a block, such that blocks of scores stay below `blockBytes` and little more than `time` is covered: equal blocks, in steps of 16. */
export function blockTimeFor(heads: number, time: number, { blockBytes, mostBlock, leastCount }: AttentionSizes = ON_CPU): number {
  const fitting = Math.min(mostBlock, Math.floor(Math.sqrt(blockBytes / (4 * heads))));
  const count = Math.max(1, Math.min(Math.floor(time / LEAST_BLOCK), Math.max(leastCount, Math.ceil(time / fitting))));
  return Math.min(time, Math.ceil(time / count / BLOCK_STEP) * BLOCK_STEP);
}
