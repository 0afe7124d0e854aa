// What a training loss over tokens is to the trainer: its inputs, and a scalar with metrics.

import * as tf from "@tensorflow/tfjs-core";

/** Shape of a loss input beside the tokens: `[batch, time]`, `[batch]` or `[]`; float32 all. */
export type LossInputKind = "token" | "row" | "scalar";

/** A loss over the tokens of a batch, in tfjs ops that never read a value. Micro-batches add up: divide by a denominator of the whole batch. */
export interface TokenLoss<Inputs extends string, Metrics extends string> {
  inputs: Readonly<Record<Inputs, LossInputKind>>;
  /** How each metric combines over micro-batches. */
  metrics: Readonly<Record<Metrics, "sum" | "max">>;
  /** `logProbs`, `entropies [batch, time]` at the token that they are about, with gradient. */
  evaluate(tensors: { logProbs: tf.Tensor2D; entropies: tf.Tensor2D; inputs: Readonly<Record<Inputs, tf.Tensor>> }): {
    loss: tf.Scalar;
    metrics: Readonly<Record<Metrics, tf.Scalar>>;
  };
}

/**
 * Cross-entropy of supervised fine-tuning: −Σ mask · log p / denominator, in nats per token.
 * Inputs: `mask [batch, time]` 1 on the tokens to learn, `denominator []` their number in the whole batch.
 */
export const crossEntropyLoss: TokenLoss<"mask" | "denominator", "entropy"> = {
  inputs: { mask: "token", denominator: "scalar" },
  metrics: { entropy: "sum" },
  evaluate({ logProbs, entropies, inputs: { mask, denominator } }) {
    const chosen = tf.greater(mask, 0);
    const mean = (values: tf.Tensor): tf.Scalar => tf.div(tf.sum(tf.where(chosen, values, tf.zerosLike(values))), denominator);
    return { loss: tf.neg(mean(logProbs)), metrics: { entropy: mean(entropies) } };
  },
};
