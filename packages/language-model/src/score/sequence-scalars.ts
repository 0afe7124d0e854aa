// The scalar head over a batch of sequences, inside a compiled function.

import * as tf from "@tensorflow/tfjs-core";
import { linear } from "@longcot/tensor-kernels";
import type { Weights } from "../architectures/architecture.ts";
import { SCORE, SCORE_BIAS } from "../architectures/decoder-parameters.ts";
import type { ActorCritic, ScalarModel } from "../model/model.ts";
import { hiddenStates } from "./hidden-states.ts";
import type { HiddenStatesOptions } from "./hidden-states.ts";

/** hidden · score (+ bias) for every token: entry t has seen the tokens up to t. Shapes: `inputIds [batch, time] int32` → `[batch, time] f32`; padding's are junk. */
export function sequenceScalars(
  model: ScalarModel | ActorCritic,
  weights: Weights,
  inputIds: tf.Tensor,
  options: HiddenStatesOptions,
): tf.Tensor2D {
  return scalarsOfHidden(weights, inputIds, hiddenStates(model, weights, inputIds, options));
}

/** The same from `hidden [batch · time, model]`, the hidden states of `inputIds`. */
export function scalarsOfHidden(weights: Weights, inputIds: tf.Tensor, hidden: tf.Tensor): tf.Tensor2D {
  return tf.reshape(linear(hidden, weights[SCORE]!, weights[SCORE_BIAS]), inputIds.shape as [number, number]);
}

/**
 * Moves what was computed after each token to the next one, so that it lies where the log-probabilities do: V of the state in which a token is chosen
 * is what the critic said after the token before it.
 *
 * Shapes: `scalars [batch, time] f32`, a sequence to a row → the same; entry 0, before which there is nothing, is 0.
 * Gradient: wrt scalars, moved back.
 */
export function valuesBeforeTokens(scalars: tf.Tensor2D): tf.Tensor2D {
  const [rows, time] = scalars.shape;
  return tf.pad(tf.slice(scalars, [0, 0], [rows, time - 1]), [
    [0, 0],
    [1, 0],
  ]);
}

/**
 * One score a row: that at its last token.
 *
 * Shapes: `scores [batch, time] f32`; `lastTokens [batch, time] f32`, 1 at the last token of each sequence and 0 elsewhere; a padding row is all 0
 * → `[batch] f32`, 0 for padding rows.
 * Gradient: wrt scores.
 */
export function lastTokenScores(scores: tf.Tensor2D, lastTokens: tf.Tensor): tf.Tensor1D {
  return tf.sum(tf.where(tf.greater(lastTokens, 0), scores, tf.zerosLike(scores)), 1);
}
