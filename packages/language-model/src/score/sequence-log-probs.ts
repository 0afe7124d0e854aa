// Log-probability and entropy of every token of a batch of sequences, inside a compiled function.

import * as tf from "@tensorflow/tfjs-core";
import { orderAfter, tokenLogProbs } from "@longcot/tensor-kernels";
import type { Weights } from "../architectures/architecture.ts";
import type { LanguageModel } from "../model/model.ts";
import { candidateLogProbs } from "./candidate-log-probs.ts";
import { hiddenStates } from "./hidden-states.ts";
import type { SeeingOptions } from "./hidden-states.ts";

/** `[batch, time] f32` each, nats, at the token that they are about; zeros at a sequence's first, which nothing predicts. */
export interface SequenceLogProbs {
  logProbs: tf.Tensor2D;
  entropies: tf.Tensor2D;
  /** `[batch, time, k]`, where candidates were asked for. */
  candidateLogProbs?: tf.Tensor3D;
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
  { temperature, positions: packed, candidates }: SequenceLogProbsOptions,
): SequenceLogProbs {
  const [batch, time] = inputIds.shape as [number, number];
  const { config, architecture } = model;
  const predicting = tf.reshape(
    tf.slice(tf.reshape(hidden, [batch, time, config.hiddenSize]), [0, 0, 0], [batch, time - 1, config.hiddenSize]),
    [batch * (time - 1), config.hiddenSize],
  );
  const targets = tf.reshape(tf.slice(inputIds, [0, 1], [batch, time - 1]), [batch * (time - 1)]);
  const { logProbs, entropies } = tokenLogProbs({
    hidden: predicting,
    unembedding: architecture.unembedding(weights),
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
  const chosen = { logProbs: atToken(logProbs), entropies: atToken(entropies) };
  if (candidates === undefined) return chosen;
  const k = candidates.shape[2]!;
  const wanted = tf.reshape(tf.slice(candidates, [0, 1, 0], [batch, time - 1, k]), [batch * (time - 1), k]);
  const others = candidateLogProbs(predicting, architecture.unembedding(weights), wanted, { temperature });
  const shifted = tf.pad(tf.reshape(others, [batch, time - 1, k]), [
    [0, 0],
    [1, 0],
    [0, 0],
  ]) as tf.Tensor3D;
  return { ...chosen, candidateLogProbs: shifted };
}
