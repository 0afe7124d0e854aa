// Log-probability and entropy of every token of a batch of sequences, inside a compiled function.

import * as tf from "@tensorflow/tfjs-core";
import { orderAfter, tokenLogProbs } from "@longcot/tensor-kernels";
import type { Weights } from "../architectures/architecture.ts";
import type { LanguageModel } from "../model/model.ts";
import { candidateLogProbs } from "./candidate-log-probs.ts";
import { distributionTerms } from "./distribution-terms.ts";
import { hiddenStates } from "./hidden-states.ts";
import type { SeeingOptions } from "./hidden-states.ts";

/** `[batch, time] f32` each, nats, at the token that they are about; zeros at a sequence's first, which nothing predicts. */
export interface SequenceLogProbs {
  logProbs: tf.Tensor2D;
  entropies: tf.Tensor2D;
  /** `[batch, time, k]`, where candidates were asked for. */
  candidateLogProbs?: tf.Tensor3D;
  /** `[batch, time]` under the name of each, where terms of the distribution were asked for. */
  distribution?: Record<string, tf.Tensor2D>;
}

export interface SequenceLogProbsOptions extends SeeingOptions {
  temperature: number;
}

/**
 * Log p(token | the tokens before it) and the entropy of that distribution, at `temperature`.
 *
 * Shapes: `inputIds [batch, time] int32`, sequences from time 0 with padding on the right, or packed. Padding is seen by nothing before it; its own
 * values are junk.
 */
export function sequenceLogProbs(
  model: LanguageModel,
  weights: Weights,
  inputIds: tf.Tensor,
  options: SequenceLogProbsOptions,
): SequenceLogProbs {
  return logProbsOfHidden(model, weights, inputIds, hiddenStates(model, weights, inputIds, options), options);
}

/** The same from `hidden [batch · time, model]`, the hidden states of `inputIds`. */
export function logProbsOfHidden(
  model: LanguageModel,
  weights: Weights,
  inputIds: tf.Tensor,
  hidden: tf.Tensor,
  { temperature, positions: packed, candidates, distribution }: SequenceLogProbsOptions,
): SequenceLogProbs {
  const [batch, time] = inputIds.shape as [number, number];
  const unembedding = model.architecture.unembedding(weights);
  const predictingOf = (states: tf.Tensor): tf.Tensor => {
    const size = states.shape[1]!;
    const before = tf.slice(tf.reshape(states, [batch, time, size]), [0, 0, 0], [batch, time - 1, size]);
    return tf.reshape(before, [batch * (time - 1), size]);
  };
  const predicting = predictingOf(hidden);
  const targets = tf.reshape(tf.slice(inputIds, [0, 1], [batch, time - 1]), [batch * (time - 1)]);
  const { logProbs, entropies } = tokenLogProbs({
    hidden: predicting,
    unembedding,
    targets,
    temperature,
    orderAfter,
  });
  const atToken = (values: tf.Tensor): tf.Tensor2D => {
    const shifted = tf.pad(tf.reshape(values, [batch, time - 1]), [
      [0, 0],
      [1, 0],
    ]) as tf.Tensor2D;
    // In packed rows the token before a sequence's first is another's last.
    return packed === undefined ? shifted : tf.where(tf.greater(packed, tf.scalar(0, "int32")), shifted, tf.zerosLike(shifted));
  };
  const chosen: SequenceLogProbs = { logProbs: atToken(logProbs), entropies: atToken(entropies) };
  if (distribution !== undefined) {
    const { terms, reference } = distribution;
    const other = reference && { ...reference, hidden: predictingOf(reference.hidden) };
    const values = distributionTerms({ hidden: predicting, unembedding }, terms, { temperature, ...(other && { reference: other }) });
    chosen.distribution = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, atToken(value)]));
  }
  if (candidates === undefined) return chosen;
  const k = candidates.shape[2]!;
  const wanted = tf.reshape(tf.slice(candidates, [0, 1, 0], [batch, time - 1, k]), [batch * (time - 1), k]);
  const others = candidateLogProbs(predicting, unembedding, wanted, { temperature });
  const shifted = tf.pad(tf.reshape(others, [batch, time - 1, k]), [
    [0, 0],
    [1, 0],
    [0, 0],
  ]) as tf.Tensor3D;
  return { ...chosen, candidateLogProbs: shifted };
}
