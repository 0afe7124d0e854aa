// Causal attention in blocks: scores exist a block of queries by a block of keys at a time, never [time, time] whole.
import * as tf from "@tensorflow/tfjs-core";
import { ShapeError } from "@longcot/errors";
import { forLoop } from "../engine/for-loop.ts";
import { filledAfter, ownCopy, updateRows } from "../engine/graph-ops.ts";
import { additiveMask, MASKED_SCORE } from "./attention-mask.ts";
import { checkShape } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";

/** Arguments of {@link blockAttention}. */
export interface BlockAttentionInputs {
  /** `[batch, heads, time, headDim] f32`; query head h reads key head ⌊h·kvHeads/heads⌋. */
  query: tf.Tensor;
  /** `[batch, kvHeads, time, headDim] f32`. */
  key: tf.Tensor;
  /** `[batch, kvHeads, time, headDim] f32`. */
  value: tf.Tensor;
  /** `[batch, time] int32`: the first position that each query sees, at most its own. Absent: 0. */
  firstKeys?: tf.Tensor;
  /** Positions of a block of queries and of a block of keys. */
  blockTime: number;
}

/**
 * Returns `softmax(query · keyᵀ / √headDim) · value` over the keys `firstKeys[t] ≤ key ≤ t` of each query t.
 *
 * Shapes: see {@link BlockAttentionInputs} → `[batch, heads, time, headDim] f32`.
 * Blocks of keys that no query of a block sees are skipped: a causal sequence costs half its square, and sequences packed in a row the
 * sum of their own squares, to the next block.
 * Precision: each row's maximum so far is subtracted before exp; sums so far are rescaled when it grows.
 * Gradient (wrt query, key, value): scores are computed again a block at a time, P = exp(scores − L) with L the row's log Σ exp; with O the
 * output and D = Σ dO·O, dV = Pᵀ·dO, dS = P·(dO·Vᵀ − D), dQ = dS·K/√headDim, dK = dSᵀ·Q/√headDim. Saves the inputs, O and L: linear in time.
 * @throws ShapeError when sizes disagree or heads is not a multiple of kvHeads.
 * Source: arXiv 2205.14135 algorithms 1 and 4; arXiv 1805.02867 (the running maximum).
 */
export function blockAttention({ query, key, value, firstKeys, blockTime }: BlockAttentionInputs): tf.Tensor {
  const [batch, heads, time, headDim] = checkShape("blockAttention", "query", query, ["batch", "heads", "time", "headDim"]);
  const [, kvHeads] = checkShape("blockAttention", "key", key, [batch, "kvHeads", time, headDim]);
  checkShape("blockAttention", "value", value, [batch, kvHeads, time, headDim]);
  if (firstKeys !== undefined) checkShape("blockAttention", "firstKeys", firstKeys, [batch, time], "int32");
  if (heads % kvHeads !== 0)
    throw new ShapeError({
      who: "blockAttention",
      argument: "query",
      expected: `heads as a multiple of ${kvHeads} key heads`,
      received: `${heads} heads`,
    });
  const scale = 1 / Math.sqrt(headDim);
  const sizes: Sizes = { batch, heads, kvHeads, time, headDim, blockTime, count: Math.ceil(time / blockTime) };
  const cut = (x: tf.Tensor) => cutBlocks(x, sizes);
  return customGradient(
    [query, key, value],
    () => {
      const blocks = { queries: cut(tf.mul(query, scale)), keys: cut(key), values: cut(value) };
      const { outputs, logSums } = forward(sizes, visibleBlocks(sizes, firstKeys), blocks);
      const output = joinBlocks(outputs, heads, sizes);
      return { value: output, saved: [query, key, value, output, logSums, ...(firstKeys === undefined ? [] : [firstKeys])] };
    },
    (gradient, [q, k, v, output, logSums, savedFirstKeys]) => {
      const gradients = backward(sizes, visibleBlocks(sizes, savedFirstKeys), {
        queries: cut(tf.mul(q!, scale)),
        keys: cut(k!),
        values: cut(v!),
        logSums: logSums!,
        outputs: cut(gradient),
        rowSums: cut(tf.sum(tf.mul(gradient, output!), -1, true)),
      });
      return [
        tf.mul(joinBlocks(gradients.queries, heads, sizes), scale),
        joinBlocks(gradients.keys, kvHeads, sizes),
        joinBlocks(gradients.values, kvHeads, sizes),
      ];
    },
  );
}

interface Sizes {
  batch: number;
  heads: number;
  kvHeads: number;
  time: number;
  headDim: number;
  blockTime: number;
  /** Blocks of a sequence, the last one padded. */
  count: number;
}

/** `[batch, heads, time, width]` → `[count, batch · heads · blockTime · width]`: a block to a row, so that reading or writing one is one copy. */
function cutBlocks(x: tf.Tensor, { blockTime, count, time }: Sizes): tf.Tensor {
  const [batch, heads, , width] = x.shape as [number, number, number, number];
  const padded = padTime(x, 2, count * blockTime - time, 0);
  const blocks = tf.transpose(tf.reshape(padded, [batch, heads, count, blockTime, width]), [2, 0, 1, 3, 4]);
  return tf.reshape(blocks, [count, batch * heads * blockTime * width]);
}

/** The inverse of {@link cutBlocks} for rows of width headDim. */
function joinBlocks(blocks: tf.Tensor, heads: number, { batch, blockTime, count, time, headDim }: Sizes): tf.Tensor {
  const apart = tf.transpose(tf.reshape(blocks, [count, batch, heads, blockTime, headDim]), [1, 2, 0, 3, 4]);
  const whole = tf.reshape(apart, [batch, heads, count * blockTime, headDim]);
  return time === count * blockTime ? whole : tf.slice(whole, [0, 0, 0, 0], [batch, heads, time, headDim]);
}

function padTime(x: tf.Tensor, axis: number, by: number, constant: number): tf.Tensor {
  if (by === 0) return x;
  return tf.pad(
    x,
    x.shape.map((_, i) => (i === axis ? [0, by] : [0, 0]) as [number, number]),
    constant,
  );
}

/** Which blocks of keys a block of queries sees: those from `first` to its own, with a bias on their scores where not all of one is seen. */
interface VisibleBlocks {
  first: (queryBlock: tf.Tensor) => tf.Tensor | number;
  /** `[batch or 1, 1, blockTime, blockTime]`, or absent where every key is seen. */
  bias: (queryBlock: tf.Tensor, keyBlock: tf.Tensor) => tf.Tensor | undefined;
  ownBias: (queryBlock: tf.Tensor) => tf.Tensor;
}

function visibleBlocks({ batch, time, blockTime, count }: Sizes, firstKeys: tf.Tensor | undefined): VisibleBlocks {
  const within = Int32Array.from({ length: blockTime }, (_, i) => i);
  const keys = tf.tensor(within, [1, 1, 1, blockTime], "int32");
  const queries = tf.tensor(within, [1, 1, blockTime, 1], "int32");
  const past = tf.lessEqual(keys, queries);
  if (firstKeys === undefined) {
    const bias = additiveMask(past);
    return { first: () => 0, bias: () => undefined, ownBias: () => bias };
  }
  const blockLength = tf.scalar(blockTime, "int32");
  // Queries past the end see the keys past the end.
  const starts = tf.reshape(padTime(firstKeys, 1, count * blockTime - time, time), [batch, count, blockTime]);
  const firstBlocks = tf.floorDiv(tf.cast(tf.min(tf.cast(starts, "float32"), [0, 2]), "int32"), blockLength);
  const startsOfBlock = tf.reshape(tf.transpose(starts, [1, 0, 2]), [count, batch * blockTime]);
  const isSeen = (queryBlock: tf.Tensor, keyBlock: tf.Tensor): tf.Tensor => {
    const start = tf.sub(blockAt(startsOfBlock, queryBlock, [batch, 1, blockTime, 1]), tf.mul(keyBlock, blockLength));
    return tf.greaterEqual(keys, start);
  };
  return {
    first: (queryBlock) => tf.reshape(blockAt(firstBlocks, queryBlock, [1]), []),
    bias: (queryBlock, keyBlock) => additiveMask(isSeen(queryBlock, keyBlock)),
    ownBias: (queryBlock) => additiveMask(tf.logicalAnd(isSeen(queryBlock, queryBlock), past)),
  };
}

function blockAt(blocks: tf.Tensor, index: tf.Tensor, shape: readonly number[]): tf.Tensor {
  return tf.reshape(tf.gather(blocks, tf.reshape(index, [1]) as tf.Tensor1D), [...shape]);
}

function withBlock(blocks: tf.Tensor, index: tf.Tensor, values: tf.Tensor): tf.Tensor {
  return updateRows(blocks, tf.reshape(index, [1]), tf.reshape(values, [1, blocks.shape[1]!]));
}

/** Shapes of one block. The query heads that share a key head lie one after the other in the time dimension. */
function blockShapes({ batch, heads, kvHeads, blockTime, headDim }: Sizes) {
  const rows = (heads / kvHeads) * blockTime;
  return {
    queries: [batch, kvHeads, rows, headDim],
    keys: [batch, kvHeads, blockTime, headDim],
    perQuery: [batch, kvHeads, rows, 1],
    scores: [batch, kvHeads, rows, blockTime],
    perHead: [batch, heads, blockTime, blockTime],
  };
}

function scoresOf(queries: tf.Tensor, keys: tf.Tensor, bias: tf.Tensor | undefined, sizes: Sizes): tf.Tensor {
  const { perHead, scores } = blockShapes(sizes);
  const products = tf.matMul(queries, keys, false, true);
  return bias === undefined ? products : tf.reshape(tf.add(tf.reshape(products, perHead), bias), scores);
}

function forward(
  sizes: Sizes,
  visible: VisibleBlocks,
  { queries, keys, values }: { queries: tf.Tensor; keys: tf.Tensor; values: tf.Tensor },
): { outputs: tf.Tensor; logSums: tf.Tensor } {
  const shapes = blockShapes(sizes);
  const rows = shapes.perQuery.reduce((a, b) => a * b, 1);
  const [outputs, logSums] = forLoop(
    { from: 0, to: sizes.count },
    [ownCopy(filledAfter(queries.shape, 0, queries)), ownCopy(filledAfter([sizes.count, rows], 0, queries))],
    (i, [done, doneLogSums]) => {
      const query = blockAt(queries, i, shapes.queries);
      const absorb = (j: tf.Tensor, [maximum, sum, mixed]: tf.Tensor[], bias: tf.Tensor | undefined): tf.Tensor[] => {
        const scores = scoresOf(query, blockAt(keys, j, shapes.keys), bias, sizes);
        const newMaximum = tf.maximum(maximum!, tf.max(scores, -1, true));
        const weights = tf.exp(tf.sub(scores, newMaximum));
        const rescale = tf.exp(tf.sub(maximum!, newMaximum));
        return [
          newMaximum,
          tf.add(tf.mul(sum!, rescale), tf.sum(weights, -1, true)),
          tf.add(tf.mul(mixed!, rescale), tf.matMul(weights, blockAt(values, j, shapes.keys))),
        ];
      };
      const nothing = [
        filledAfter(shapes.perQuery, MASKED_SCORE, query),
        filledAfter(shapes.perQuery, 0, query),
        filledAfter(shapes.queries, 0, query),
      ];
      const before = forLoop({ from: visible.first(i), to: i }, nothing, (j, state) => absorb(j, state, visible.bias(i, j)));
      const [maximum, sum, mixed] = absorb(i, before, visible.ownBias(i));
      return [withBlock(done!, i, tf.div(mixed!, sum!)), withBlock(doneLogSums!, i, tf.add(maximum!, tf.log(sum!)))];
    },
  );
  return { outputs: outputs!, logSums: logSums! };
}

interface BackwardInputs {
  queries: tf.Tensor;
  keys: tf.Tensor;
  values: tf.Tensor;
  /** L of every query. */
  logSums: tf.Tensor;
  /** Gradient of the output. */
  outputs: tf.Tensor;
  /** D of every query. */
  rowSums: tf.Tensor;
}

function backward(
  sizes: Sizes,
  visible: VisibleBlocks,
  { queries, keys, values, logSums, outputs, rowSums }: BackwardInputs,
): { queries: tf.Tensor; keys: tf.Tensor; values: tf.Tensor } {
  const shapes = blockShapes(sizes);
  const zerosLike = (blocks: tf.Tensor) => ownCopy(filledAfter(blocks.shape, 0, outputs));
  const [queryGradients, keyGradients, valueGradients] = forLoop(
    { from: 0, to: sizes.count },
    [zerosLike(queries), zerosLike(keys), zerosLike(values)],
    (i, [done, allKeys, allValues]) => {
      const query = blockAt(queries, i, shapes.queries);
      const output = blockAt(outputs, i, shapes.queries);
      const logSum = blockAt(logSums, i, shapes.perQuery);
      const rowSum = blockAt(rowSums, i, shapes.perQuery);
      const absorb = (j: tf.Tensor, [forQuery, forKeys, forValues]: tf.Tensor[], bias: tf.Tensor | undefined): tf.Tensor[] => {
        const key = blockAt(keys, j, shapes.keys);
        const weights = tf.exp(tf.sub(scoresOf(query, key, bias, sizes), logSum));
        const gradWeights = tf.matMul(output, blockAt(values, j, shapes.keys), false, true);
        const gradScores = tf.mul(weights, tf.sub(gradWeights, rowSum));
        const addTo = (table: tf.Tensor, part: tf.Tensor) => withBlock(table, j, tf.add(blockAt(table, j, shapes.keys), part));
        return [
          tf.add(forQuery!, tf.matMul(gradScores, key)),
          addTo(forKeys!, tf.matMul(gradScores, query, true, false)),
          addTo(forValues!, tf.matMul(weights, output, true, false)),
        ];
      };
      const before = forLoop({ from: visible.first(i), to: i }, [filledAfter(shapes.queries, 0, query), allKeys!, allValues!], (j, state) =>
        absorb(j, state, visible.bias(i, j)),
      );
      const [forQuery, forKeys, forValues] = absorb(i, before, visible.ownBias(i));
      return [withBlock(done!, i, forQuery!), forKeys!, forValues!];
    },
  );
  return { queries: queryGradients!, keys: keyGradients!, values: valueGradients! };
}
