// The critic's loss: squared error to the returns, with the prediction held near its value at rollout time.
import * as tf from "@tensorflow/tfjs-core";
import type { Scalar, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import { NumericError } from "@longcot/errors";

import { checkNumber } from "../option-checks.ts";
import { checkTensor } from "../policy/policy-loss.ts";
import type { MetricReduction } from "../policy/policy-loss.ts";

/** Inputs of {@link valueLoss}. Entries where `mask` is 0 may hold anything. */
export interface ValueLossInputs {
  /** [batch, time] f32: V at each response token; carries the gradient. */
  readonly values: Tensor2D;
  /** [batch, time] f32: the same when the rollout was scored. */
  readonly oldValues: Tensor2D;
  /** [batch, time] f32: what V is fitted to, from `gaeAdvantages`. */
  readonly returns: Tensor2D;
  /** [batch, time] f32: 1 on response tokens, 0 elsewhere. */
  readonly mask: Tensor2D;
  /** [batch] f32: weight of each token of a row, from `lossReduction`. */
  readonly rowWeights: Tensor1D;
  /** Response tokens of the whole batch, from `lossReduction`: metrics are divided by it. */
  readonly tokenDenominator: number | Scalar;
  /** How far V may move from `oldValues`. Default 0.5, as in verl. */
  readonly clipValue?: number | undefined;
}

/**
 * Metrics of the critic, under verl's names without their `critic/` prefix: `vf_loss` the loss, `vf_clipfrac` the share of tokens whose
 * clipped error is the larger one, `vpred_mean` Σ V / N.
 */
export type ValueMetric = "vf_loss" | "vf_clipfrac" | "vpred_mean";

/** How each metric combines over micro-batches that share the batch's denominators. */
export const valueMetricReductions: Readonly<Record<ValueMetric, MetricReduction>> = {
  vf_loss: "sum",
  vf_clipfrac: "sum",
  vpred_mean: "sum",
};

/**
 * Returns `½ max((V − R)², (clip(V, V_old ± c) − R)²)` per token, aggregated by `rowWeights`.
 *
 * Shapes and masks as in {@link ValueLossInputs}; loss and metrics scalars f32. Reduction: micro-batches add up as those of a policy loss.
 * A mask of zeros gives loss 0 and gradient 0. Where both squares are equal the gradient is that of the unclipped one.
 *
 * @throws ShapeError on a tensor of another shape than `values` implies. @throws NumericError on a token denominator that is a number but
 * not positive. @throws ConfigError on a negative clip range.
 * Source: arXiv 1707.06347's released code; verl 0.9.1 trainer/ppo/core_algos.py, `compute_value_loss`.
 */
export function valueLoss(inputs: ValueLossInputs): { loss: Scalar; metrics: Readonly<Record<ValueMetric, Scalar>> } {
  const who = "valueLoss";
  const { values, rowWeights, tokenDenominator, clipValue = 0.5 } = inputs;
  checkNumber(who, "clipValue", clipValue, { least: 0 });
  for (const name of ["oldValues", "returns", "mask"] as const) checkTensor(who, name, inputs[name], values.shape);
  checkTensor(who, "rowWeights", rowWeights, [values.shape[0]]);
  if (typeof tokenDenominator === "number" && !(tokenDenominator > 0))
    throw new NumericError({
      who,
      argument: "tokenDenominator",
      expected: "a positive number of tokens",
      received: String(tokenDenominator),
    });

  const isToken = tf.greater(inputs.mask, 0);
  const zeros = tf.zerosLike(values);
  const [v, old, target] = [values, inputs.oldValues, inputs.returns].map((tensor) => tf.where(isToken, tensor, zeros)) as [
    Tensor2D,
    Tensor2D,
    Tensor2D,
  ];
  const clipped = tf.maximum(tf.minimum(v, tf.add(old, clipValue)), tf.sub(old, clipValue));
  const unclippedSquare = tf.square(tf.sub(v, target));
  const clippedSquare = tf.square(tf.sub(clipped, target));
  const losses = tf.mul(tf.maximum(unclippedSquare, clippedSquare), 0.5);
  const loss: Scalar = tf.sum(tf.mul(losses, tf.expandDims(rowWeights, 1)));
  const mean = (tokens: tf.Tensor): Scalar => tf.div(tf.sum(tokens), tokenDenominator);
  return {
    loss,
    metrics: { vf_loss: loss, vf_clipfrac: mean(tf.cast(tf.greater(clippedSquare, unclippedSquare), "float32")), vpred_mean: mean(v) },
  };
}
