// What a training loss is to the trainer: its inputs, and a scalar with metrics.

import * as tf from "@tensorflow/tfjs-core";
import type { DistributionTerms } from "../score/distribution-terms.ts";

/** Shape of a loss input beside the tokens: `[batch, time]`, `[batch, time, k]` (k candidates a token), `[batch]` or `[]`; float32 all. */
export type LossInputKind = "token" | "candidate" | "row" | "scalar";

/**
 * A loss over what a model computes of the tokens of a batch, in tfjs ops that never read a value. Micro-batches add up: divide by a denominator of
 * the whole batch.
 */
export interface BatchLoss<Seen extends string, Inputs extends string, Metrics extends string> {
  inputs: Readonly<Record<Inputs, LossInputKind>>;
  /** k, the candidate tokens at each place whose log-probabilities the loss wants; batches bring their ids. Absent: none. */
  candidates?: number;
  /** Numbers of the whole distribution at every token that the loss wants, with gradient. Absent: none. */
  distribution?: DistributionTerms;
  /** How each metric combines over micro-batches. */
  metrics: Readonly<Record<Metrics, "sum" | "max">>;
  /** What the model computes is `[batch, time]`, a sequence to a row whatever the packing, with gradient; padding holds junk. */
  evaluate(
    tensors: Readonly<Record<Seen, tf.Tensor2D>> & {
      /** `[batch, time, k]`, with `candidates`; a sequence's first token has junk. */
      candidateLogProbs?: tf.Tensor3D;
      /** `[batch, time]` each, with `distribution`: under the same names. */
      distribution?: Readonly<Record<string, tf.Tensor2D>>;
      inputs: Readonly<Record<Inputs, tf.Tensor>>;
    },
  ): {
    loss: tf.Scalar;
    metrics: Readonly<Record<Metrics, tf.Scalar>>;
  };
}

/** A loss over tokens' log-probabilities and entropies, each at the token that it is about. */
export type TokenLoss<Inputs extends string, Metrics extends string> = BatchLoss<"logProbs" | "entropies", Inputs, Metrics>;

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
