// The loss of a process reward model on steps.
import type { ScalarLoss } from "@longcot/language-model";
import * as tf from "@tensorflow/tfjs-core";

/** Inputs beside the scores: see {@link stepLoss}. */
export type StepInput = "step_weights" | "step_targets";
export type StepMetric = "accuracy";

/** `bce`: binary cross-entropy; `mse`: squared error of the probability. */
export const STEP_LOSSES = ["bce", "mse"] as const;
export type StepLossKind = (typeof STEP_LOSSES)[number];

/**
 * Returns Σ over tokens of weight · ℓ(σ(s_t), target): `bce` −target · log σ(s_t) − (1 − target) · log σ(−s_t), `mse` (σ(s_t) − target)². With weights
 * of 1 / (steps of the batch) at the tokens that end a step it is the mean over steps, over micro-batches too.
 *
 * Shapes: `scores`, `step_weights`, `step_targets [batch, time]`; weight 0 where no step ends, targets from 0 to 1, soft ones among them.
 * Metrics: `accuracy` weighted share of steps where σ(s_t) and target are on the same side of 1/2.
 * Source: arXiv 2312.08935 eq. 2; soft targets: eq. 4.
 */
export function stepLoss(kind: StepLossKind): ScalarLoss<StepInput, StepMetric> {
  return {
    inputs: { step_weights: "token", step_targets: "token" },
    metrics: { accuracy: "sum" },
    evaluate({ scores, inputs: { step_weights: weights, step_targets: targets } }) {
      // Padding holds junk: it is taken out before anything is computed of it.
      const logits = tf.where(tf.greater(weights, 0), scores, tf.zerosLike(scores));
      const losses =
        kind === "bce"
          ? // −t · log σ(x) − (1 − t) · log σ(−x) = softplus(x) − t · x.
            tf.sub(tf.softplus(logits), tf.mul(targets, logits))
          : tf.square(tf.sub(tf.sigmoid(logits), targets));
      const agrees = tf.equal(tf.cast(tf.greater(logits, 0), "int32"), tf.cast(tf.greater(targets, 0.5), "int32"));
      return {
        loss: tf.sum(tf.mul(weights, losses)) as tf.Scalar,
        metrics: { accuracy: tf.sum(tf.mul(weights, tf.cast(agrees, "float32"))) as tf.Scalar },
      };
    },
  };
}
