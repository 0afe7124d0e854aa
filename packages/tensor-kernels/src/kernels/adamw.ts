// AdamW and gradient clipping, step for step as PyTorch computes them.
import * as tf from "@tensorflow/tfjs-core";
import { ConfigError, ShapeError } from "@longcot/errors";
import { orderAfter } from "../engine/graph-ops.ts";

/** State of one parameter, and the settings of the step. */
export interface AdamWInputs {
  /** `[...] f32`. */
  parameter: tf.Tensor;
  /** Gradient of the loss, the parameter's shape. */
  gradient: tf.Tensor;
  /** Running mean of the gradients, the parameter's shape; zeros before step 1. */
  firstMoment: tf.Tensor;
  /** Running mean of their squares, the parameter's shape; zeros before step 1. */
  secondMoment: tf.Tensor;
  /** Scalar f32: 1 at the first step. A tensor, so that one graph serves all steps. */
  step: tf.Tensor;
  /** Scalar f32. */
  learningRate: tf.Tensor;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Decoupled decay; 0 for norms and biases. */
  weightDecay: number;
}

/** The state after the step; the inputs are left as they are. */
export interface AdamWState {
  parameter: tf.Tensor;
  firstMoment: tf.Tensor;
  secondMoment: tf.Tensor;
}

/**
 * Returns the state after one AdamW step: `m = β₁m + (1−β₁)g`, `v = β₂v + (1−β₂)g²`,
 * `p = p·(1 − lr·decay) − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)`.
 *
 * Shapes: all of the parameter's shape, `step` and `learningRate` scalars.
 * Precision: 1−βᵗ is −expm1(t·log β), since 1 − 0.999 in float32 is off by 1e-5 of itself.
 * Gradient: none is meant to flow through.
 * @throws ShapeError when shapes differ; ConfigError when a beta is not in [0, 1).
 * Source: arXiv 1711.05101 algorithm 2; `torch.optim.AdamW`.
 */
export function adamWUpdate(inputs: AdamWInputs): AdamWState {
  const { parameter, gradient, step, learningRate, beta1, beta2, epsilon, weightDecay } = inputs;
  for (const name of ["gradient", "firstMoment", "secondMoment"] as const) checkSameShape(name, inputs[name], parameter.shape);
  checkSameShape("step", step, []);
  checkSameShape("learningRate", learningRate, []);

  const firstMoment = tf.add(tf.mul(inputs.firstMoment, beta1), tf.mul(gradient, 1 - beta1));
  // In turn: a graph that is free to do it all at once holds two more tensors of the parameter's size.
  const squares = tf.square(orderAfter(gradient, firstMoment));
  const secondMoment = tf.add(tf.mul(orderAfter(inputs.secondMoment, firstMoment), beta2), tf.mul(squares, 1 - beta2));
  const stepSize = tf.div(learningRate, biasCorrection("beta1", beta1, step));
  const denominator = tf.add(tf.div(tf.sqrt(secondMoment), tf.sqrt(biasCorrection("beta2", beta2, step))), epsilon);
  const change = tf.mul(stepSize, tf.div(firstMoment, denominator));
  const before = orderAfter(parameter, change);
  const decayed = weightDecay === 0 ? before : tf.mul(before, tf.sub(1, tf.mul(learningRate, weightDecay)));
  return { parameter: tf.sub(decayed, change), firstMoment, secondMoment };
}

/** 1 − βᵗ. */
function biasCorrection(argument: string, beta: number, step: tf.Tensor): tf.Tensor {
  if (!(beta >= 0 && beta < 1))
    throw new ConfigError({
      who: "adamWUpdate",
      argument,
      expected: "a number in [0, 1)",
      received: String(beta),
    });
  return beta === 0 ? tf.scalar(1) : tf.neg(tf.expm1(tf.mul(step, Math.log(beta))));
}

function checkSameShape(argument: string, tensor: tf.Tensor, shape: number[]): void {
  if (tensor.dtype !== "float32" || tensor.shape.join() !== shape.join()) {
    throw new ShapeError({
      who: "adamWUpdate",
      argument,
      expected: `float32 [${shape.join(", ")}]`,
      received: `${tensor.dtype} [${tensor.shape.join(", ")}]`,
    });
  }
}

/** Added to the norm before dividing by it, as `torch.nn.utils.clip_grad_norm_` does. */
const CLIP_EPSILON = 1e-6;

/** Returns the Euclidean norm of all `tensors` together, a scalar f32. @throws ConfigError when there are none. */
export function globalNorm(tensors: readonly tf.Tensor[]): tf.Tensor {
  if (tensors.length === 0)
    throw new ConfigError({ who: "globalNorm", argument: "tensors", expected: "at least one tensor", received: "none" });
  const sums: tf.Tensor[] = [];
  for (const tensor of tensors) {
    // One after the other: all squares at once would take as much memory as the tensors.
    const previous = sums.at(-1);
    sums.push(tf.sum(tf.square(previous === undefined ? tensor : orderAfter(tensor, previous))));
  }
  return tf.sqrt(tf.addN(sums));
}

/** Returns the factor that clips gradients of norm `norm`: `min(1, maxNorm / (norm + 1e-6))`. */
export function clipFactor(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + CLIP_EPSILON));
}

/**
 * Returns `gradients · min(1, maxNorm / (norm + 1e-6))` and `norm`, the Euclidean norm of all gradients together, before clipping.
 *
 * Shapes: any; `norm` is a scalar f32.
 * @throws ConfigError when there are no gradients or maxNorm is not positive.
 * Source: `torch.nn.utils.clip_grad_norm_`.
 */
export function clipByGlobalNorm(gradients: readonly tf.Tensor[], maxNorm: number): { gradients: tf.Tensor[]; norm: tf.Tensor } {
  if (gradients.length === 0)
    throw new ConfigError({
      who: "clipByGlobalNorm",
      argument: "gradients",
      expected: "at least one tensor",
      received: "none",
    });
  if (!(maxNorm > 0))
    throw new ConfigError({
      who: "clipByGlobalNorm",
      argument: "maxNorm",
      expected: "a positive number",
      received: String(maxNorm),
    });
  const norm = globalNorm(gradients);
  const factor = tf.minimum(1, tf.div(maxNorm, tf.add(norm, CLIP_EPSILON)));
  return { gradients: gradients.map((gradient) => tf.mul(gradient, factor)), norm };
}
