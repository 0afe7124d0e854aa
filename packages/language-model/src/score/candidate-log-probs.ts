// Log-probabilities of several candidate tokens at every position, with gradient, a chunk of positions at a time.

import * as tf from "@tensorflow/tfjs-core";
import { embed, recomputed } from "@longcot/tensor-kernels";
import { logitsChunkTokens } from "./logits-chunk.ts";

/**
 * Returns `log softmax(hidden · unembeddingᵀ / temperature)` at the candidates.
 *
 * Shapes: `hidden [tokens, model] f32`, `unembedding [vocab, model] f32`, `candidates [tokens, k] int32` in [0, vocab) → `[tokens, k] f32`, nats.
 * Gradient (wrt hidden and unembedding): through the candidates and the normaliser over the whole vocabulary; each chunk's logits are computed again
 * in the backward pass.
 */
export function candidateLogProbs(
  hidden: tf.Tensor,
  unembedding: tf.Tensor,
  candidates: tf.Tensor,
  { temperature, chunkTokens }: { temperature: number; chunkTokens?: number },
): tf.Tensor2D {
  const [tokens, model] = hidden.shape as [number, number];
  const [vocab] = unembedding.shape as [number];
  const k = candidates.shape[1]!;
  const size = chunkTokens ?? logitsChunkTokens(vocab);
  const parts: tf.Tensor[] = [];
  for (let from = 0; from < tokens; from += size) {
    const rows = Math.min(size, tokens - from);
    const starts = tf.tensor2d(
      Int32Array.from({ length: rows }, (_, row) => row * vocab),
      [rows, 1],
      "int32",
    );
    const flat = tf.add(tf.slice(candidates, [from, 0], [rows, k]), starts);
    const run = ([chunk, weights]: tf.Tensor[], [indices]: tf.Tensor[]): tf.Tensor => {
      const logits = tf.mul(tf.matMul(chunk!, weights!, false, true), 1 / temperature);
      const shifted = tf.sub(logits, tf.max(logits, -1, true));
      const normaliser = tf.log(tf.sum(tf.exp(shifted), -1, true));
      const chosen = tf.reshape(embed(tf.reshape(shifted, [rows * vocab, 1]), indices!), [rows, k]);
      return tf.sub(chosen, normaliser);
    };
    parts.push(recomputed(run, [tf.slice(hidden, [from, 0], [rows, model]), unembedding], [flat]));
  }
  return (parts.length === 1 ? parts[0]! : tf.concat(parts)) as tf.Tensor2D;
}
