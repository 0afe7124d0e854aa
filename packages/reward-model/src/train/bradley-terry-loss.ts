// The loss of a reward model on pairs.
import { lastTokenScores } from "@longcot/language-model";
import type { ScalarLoss } from "@longcot/language-model";
import * as tf from "@tensorflow/tfjs-core";

/** Inputs beside the scores: see {@link bradleyTerryLoss}. */
export type PairInput = "last_tokens" | "pair_weights" | "margins" | "token_labels";
export type PairMetric = "accuracy" | "margin" | "center" | "token_loss";

export interface PairLossOptions {
  /** Weight of (s_chosen + s_rejected)². */
  readonly centerCoefficient: number;
  /** Weight of the verifier loss of single tokens. */
  readonly tokenCoefficient: number;
}

/**
 * Returns Σ over pairs of weight · (−log σ(s_chosen − s_rejected − margin) + centerCoefficient · (s_chosen + s_rejected)²): Bradley–Terry, where the
 * second term fixes what differences leave open, the scores' zero. To it comes tokenCoefficient · Σ over tokens of |label| · −log σ(sign(label) · s_t): the
 * verifier of single tokens, which hears of an error where it stands and not only at the end of the answer. With weights of 1 / (pairs of the batch) it is the mean, over micro-batches too.
 *
 * Shapes: rows in pairs, the chosen response before the rejected one. `scores`, `last_tokens [batch, time]`, 1 at the token that a sequence is scored
 * at; `pair_weights`, `margins [batch]`, read at the chosen row, weight 0 for rows that only fill the batch; `token_labels [batch, time]`, above 0 on tokens
 * of chosen answers, below 0 on tokens of rejected ones, their size the token's weight, 0 elsewhere.
 * Metrics, weighted alike: `accuracy` share of pairs with s_chosen > s_rejected; `margin` s_chosen − s_rejected; `center` (s_chosen + s_rejected) / 2.
 * `token_loss` the second sum.
 * Source: arXiv 2203.02155 eq. 1; margin: arXiv 2307.09288 eq. 2; centre: arXiv 2312.09244; tokens: arXiv 2110.14168 §4.
 */
export function bradleyTerryLoss({ centerCoefficient, tokenCoefficient }: PairLossOptions): ScalarLoss<PairInput, PairMetric> {
  return {
    inputs: { last_tokens: "token", pair_weights: "row", margins: "row", token_labels: "token" },
    metrics: { accuracy: "sum", margin: "sum", center: "sum", token_loss: "sum" },
    evaluate({ scores, inputs }) {
      const [chosen, rejected] = halves(lastTokenScores(scores, inputs.last_tokens));
      const [weight] = halves(inputs.pair_weights);
      const [wanted] = halves(inputs.margins);
      const margin = tf.sub(chosen, rejected);
      const sum = tf.add(chosen, rejected);
      const loss = tf.add(tf.softplus(tf.neg(tf.sub(margin, wanted))), tf.mul(centerCoefficient, tf.square(sum)));
      const total = (values: tf.Tensor): tf.Scalar => tf.sum(tf.mul(values, weight));
      const labels = inputs.token_labels;
      // Padding holds junk: it is taken out before anything is computed of it.
      const known = tf.where(tf.notEqual(labels, 0), scores, tf.zerosLike(scores));
      const tokenLoss = tf.sum(tf.mul(tf.abs(labels), tf.softplus(tf.neg(tf.mul(tf.sign(labels), known))))) as tf.Scalar;
      return {
        loss: tf.add(total(loss), tf.mul(tokenCoefficient, tokenLoss)),
        metrics: {
          token_loss: tokenLoss,
          accuracy: total(tf.cast(tf.greater(margin, 0), "float32")),
          margin: total(margin),
          center: total(tf.mul(sum, 0.5)),
        },
      };
    },
  };
}

/** The first and the second row of every pair, `[batch / 2]` each. */
function halves(rows: tf.Tensor): [tf.Tensor1D, tf.Tensor1D] {
  return tf.unstack(tf.reshape(rows, [-1, 2]), 1) as [tf.Tensor1D, tf.Tensor1D];
}
