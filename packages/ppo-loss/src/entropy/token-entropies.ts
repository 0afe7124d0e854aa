// Entropies of token distributions with their gradient, over the full vocabulary or its most probable part: what an entropy bonus acts on.
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";
import { ShapeError } from "@longcot/errors";

import { checkNumber } from "../option-checks.ts";
import { withoutGradient } from "../policy/without-gradient.ts";

export interface TokenEntropyOptions {
  /**
   * Only the k most probable entries, renormalised, so that the bonus lifts candidates and not the vocabulary's long tail. Entries as
   * probable as the k-th count too. Absent: all of them.
   */
  readonly topK?: number | undefined;
}

/**
 * Returns `H = −Σ_v p_v log p_v` with `p = softmax(logits)` per position; the gradient `−p (log p + H)` flows through all of `logits`, or
 * with `topK` through the entries that count.
 *
 * Shapes: `logits` [..., vocab] f32, already divided by the temperature; the result [...]. Units: nats. Precision: through log-softmax.
 * @throws ConfigError on a `topK` that is no whole number from 1. @throws ShapeError on one above the vocabulary.
 * Source: arXiv 2505.22312 eq. 3.1; verl 0.9.1 utils/torch_functional.py, `entropy_from_logits`.
 *
 * @example tokenEntropies(tf.tensor2d([[0, 0, -50]]), { topK: 2 }) // [0.6931472], ln 2
 */
export function tokenEntropies(logits: Tensor, { topK }: TokenEntropyOptions = {}): Tensor {
  if (topK === undefined) return entropyOf(tf.logSoftmax(logits));
  const who = "tokenEntropies";
  checkNumber(who, "topK", topK, { least: 1, whole: true });
  const vocab = logits.shape.at(-1)!;
  if (topK > vocab) throw new ShapeError({ who, argument: "topK", expected: `at most the vocabulary (${vocab})`, received: String(topK) });
  const isCandidate = withoutGradient(() => {
    const { values } = tf.topk(logits, topK);
    const last = tf.slice(values, [...values.shape.slice(0, -1).fill(0), topK - 1], [...values.shape.slice(0, -1), 1]);
    return tf.greaterEqual(logits, last);
  });
  const logProbs = tf.logSoftmax(tf.where(isCandidate, logits, tf.fill(logits.shape, EXCLUDED)));
  return entropyOf(tf.where(isCandidate, logProbs, tf.fill(logits.shape, EXCLUDED)));
}

/** A logit whose probability is 0 in float32 while p · log p stays 0, not NaN. */
const EXCLUDED = -1e9;

function entropyOf(logProbs: Tensor): Tensor {
  return tf.neg(tf.sum(tf.mul(tf.exp(logProbs), logProbs), -1));
}
