// The loss of logit distillation, as a trainer takes it: a divergence from the teacher, and cross-entropy of the text beside it.
import * as tf from "@tensorflow/tfjs-core";
import type { TokenLoss } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
import { checkDivergence, divergence, type DivergenceOptions } from "./divergence.ts";

export interface DistillationLossOptions {
  readonly divergence: DivergenceOptions;
  /** k: tokens of the teacher's distribution that are known at each place. */
  readonly topK: number;
  /** λ, in [0, 1]: weight of the text's cross-entropy; 1 − λ is that of the divergence. */
  readonly crossEntropyWeight: number;
}

type DistillationInput = "mask" | "denominator" | "teacher_log_probs";

/**
 * Σ mask · ((1 − λ) D(teacher, student) − λ log q(token)) / denominator, in nats per token.
 * Inputs: those of `crossEntropyLoss`, and `teacher_log_probs [batch, time, k]` of the batch's candidates, at the trainer's temperature.
 * @throws ConfigError for a weight or a divergence out of range.
 */
export function distillationLoss({
  divergence: given,
  topK,
  crossEntropyWeight: weight,
}: DistillationLossOptions): TokenLoss<DistillationInput, "entropy" | "divergence"> {
  const options = checkDivergence(given);
  if (!(weight >= 0 && weight <= 1))
    throw new ConfigError({ who: "distillationLoss", argument: "crossEntropyWeight", expected: "from 0 to 1", received: String(weight) });
  return {
    inputs: { mask: "token", denominator: "scalar", teacher_log_probs: "candidate" },
    candidates: topK,
    metrics: { entropy: "sum", divergence: "sum" },
    evaluate({ logProbs, entropies, candidateLogProbs, inputs: { mask, denominator, teacher_log_probs: teacher } }) {
      const chosen = tf.greater(mask, 0);
      // Places outside of the mask get a distribution that both share, so that nothing infinite is differentiated there.
      const everywhere = tf.tile(tf.expandDims(chosen, -1), [1, 1, topK]);
      const harmless = tf.fill(teacher.shape, Math.log(1 / (topK + 1)));
      const at = (values: tf.Tensor) => tf.where(everywhere, values, harmless);
      const mean = (values: tf.Tensor): tf.Scalar => tf.div(tf.sum(tf.where(chosen, values, tf.zerosLike(values))), denominator);
      const apart = mean(divergence(at(teacher), at(candidateLogProbs!), options));
      const loss = tf.sub(tf.mul(apart, 1 - weight), tf.mul(mean(logProbs), weight)) as tf.Scalar;
      return { loss, metrics: { entropy: mean(entropies), divergence: apart } };
    },
  };
}
