// Numbers of the whole distribution at every position (an entropy of its top, a divergence from another model's), with gradient, a chunk of
// positions at a time.

import * as tf from "@tensorflow/tfjs-core";
import { recomputed } from "@longcot/tensor-kernels";
import { logitsChunkTokens } from "./logits-chunk.ts";

/**
 * One number per position from `logits [tokens, vocab] f32`, divided by the temperature, and those of a reference model, without gradient:
 * `[tokens] f32`, in tfjs ops that never read a value.
 */
export type DistributionTerm = (logits: tf.Tensor2D, referenceLogits?: tf.Tensor2D) => tf.Tensor;

/** Terms by name. What is compiled for one set of names is not compiled again: one name, one function. */
export type DistributionTerms = Readonly<Record<string, DistributionTerm>>;

/** What logits come from: `hidden [tokens, model] f32` after the final norm, `unembedding [vocab, model] f32`. */
export interface LogitsSource {
  hidden: tf.Tensor;
  unembedding: tf.Tensor;
}

/**
 * Returns each of `terms` at every position, `[tokens] f32`.
 *
 * Gradient (wrt hidden and unembedding of the model, none wrt the reference's): a chunk's logits are computed again in the backward pass.
 */
export function distributionTerms<Terms extends DistributionTerms>(
  { hidden, unembedding }: LogitsSource,
  terms: Terms,
  { temperature, reference, chunkTokens }: { temperature: number; reference?: LogitsSource; chunkTokens?: number },
): Record<keyof Terms & string, tf.Tensor1D> {
  const [tokens] = hidden.shape as [number];
  const names = Object.keys(terms) as (keyof Terms & string)[];
  const size = chunkTokens ?? logitsChunkTokens(unembedding.shape[0]! * (reference === undefined ? 1 : 2));
  const parts: tf.Tensor[] = [];
  for (let from = 0; from < tokens; from += size) {
    const rows = Math.min(size, tokens - from);
    const chunkOf = (of: LogitsSource): tf.Tensor[] => [tf.slice(of.hidden, [from, 0], [rows, of.hidden.shape[1]!]), of.unembedding];
    const run = (own: tf.Tensor[], others: tf.Tensor[]): tf.Tensor => {
      const [logits, referenceLogits] = [own, others].map(([chunk, weights]) =>
        chunk === undefined ? undefined : tf.mul(tf.matMul(chunk, weights!, false, true), 1 / temperature),
      ) as [tf.Tensor2D, tf.Tensor2D | undefined];
      return tf.stack(names.map((name) => terms[name]!(logits, referenceLogits)));
    };
    parts.push(recomputed(run, chunkOf({ hidden, unembedding }), reference === undefined ? [] : chunkOf(reference)));
  }
  const all = parts.length === 1 ? parts[0]! : tf.concat(parts, 1);
  return Object.fromEntries(names.map((name, i) => [name, tf.reshape(tf.slice(all, [i, 0], [1, tokens]), [tokens])])) as Record<
    keyof Terms & string,
    tf.Tensor1D
  >;
}
