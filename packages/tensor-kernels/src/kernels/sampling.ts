// Choosing the next token: inverse-CDF sampling with one uniform number per row, so that a keyed generator decides it alone.
import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "@longcot/errors";
import { checkShape } from "./check-shape.ts";
import { pickColumn } from "./pick-column.ts";
import { prefixSum } from "./prefix-sum.ts";
import { checkTemperature } from "./token-log-probs.ts";

/** Arguments of {@link sampleTokens}. */
export interface SampleInputs {
  /** `[batch, vocab] f32`, before the division by the temperature. */
  logits: tf.Tensor;
  /** `[batch] f32` in [0, 1). */
  uniforms: tf.Tensor;
  /** Divisor of the logits, > 0. */
  temperature: number;
  /** Keeps the smallest set of most probable tokens whose mass reaches this, in (0, 1]; absent or 1: all. */
  topP?: number;
  /** Keeps this many most probable tokens (more on a tie with the last of them); absent: all. */
  topK?: number;
  /** Also measure the mass of this many most probable tokens; absent: not. */
  massOf?: number;
}

/** Chosen tokens `[batch] int32`, their log-probabilities and the entropies of the distributions, `[batch] f32` in nats. */
export interface ChosenTokens {
  tokens: tf.Tensor;
  logProbs: tf.Tensor;
  /** Over the whole vocabulary. */
  entropies: tf.Tensor;
  /** Probability together of the `massOf` most probable tokens, `[batch] f32`, before topK and topP; absent where that is. */
  topMasses?: tf.Tensor;
}

// The threshold stays this far below the total mass, so that the rounding of u·total never leaves a row without a token.
const LARGEST_FRACTION = 1 - 2 ** -23;

/**
 * Returns for each row the first token whose cumulative probability exceeds its uniform number.
 *
 * Shapes: see {@link SampleInputs} and {@link ChosenTokens}.
 * The token is always one of nonzero probability that topK and topP keep; topK is applied first, topP to what it leaves,
 * renormalised (as vLLM and transformers do). Only when either is asked for are the rows sorted.
 * `logProbs` and `entropies` are those of softmax(logits / temperature) *before* topK and topP: what scoring the sequence gives.
 * No gradient.
 * @throws ShapeError when sizes disagree; ConfigError when an option is out of range.
 */
export function sampleTokens({ logits, uniforms, temperature, topP = 1, topK, massOf }: SampleInputs): ChosenTokens {
  const [batch, vocab] = checkShape("sampleTokens", "logits", logits, ["batch", "vocab"]);
  checkShape("sampleTokens", "uniforms", uniforms, [batch]);
  checkTemperature("sampleTokens", temperature);
  if (!(topP > 0 && topP <= 1))
    throw new ConfigError({
      who: "sampleTokens",
      argument: "topP",
      expected: "a number in (0, 1]",
      received: String(topP),
    });
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1))
    throw new ConfigError({
      who: "sampleTokens",
      argument: "topK",
      expected: "a positive integer",
      received: String(topK),
    });

  checkMassOf("sampleTokens", massOf, vocab);

  const { shifted, exponentials, sum } = shiftedSoftmax(logits, temperature);
  const kept =
    topP === 1 && (topK === undefined || topK >= vocab)
      ? exponentials
      : keepMostProbable(exponentials, Math.min(topK ?? vocab, vocab), topP);
  // Zero entries of the cumulative sum mark tokens without probability: no threshold lets them through, whatever
  // order a backend adds in.
  const possible = tf.cast(tf.greater(kept, 0), "float32");
  const cumulative = tf.mul(prefixSum(kept), possible);
  const total = tf.max(cumulative, 1, true);
  const fractions = tf.minimum(tf.reshape(uniforms, [batch, 1]), LARGEST_FRACTION);
  const beyond = tf.greater(cumulative, tf.mul(total, fractions));
  const tokens = tf.argMax(tf.cast(beyond, "int32"), 1);
  return {
    tokens,
    ...statistics(shifted, exponentials, sum, tokens),
    ...(massOf === undefined ? {} : { topMasses: topMasses(exponentials, sum, massOf) }),
  };
}

/**
 * Returns the most probable token of each row (the lowest id on a tie), with its log-probability and the entropy under softmax(logits / temperature).
 *
 * Shapes: `logits [batch, vocab] f32` → see {@link ChosenTokens}. No gradient.
 * @throws ShapeError when `logits` is not a matrix; ConfigError when temperature is not positive.
 */
export function greedyTokens({ logits, temperature = 1 }: { logits: tf.Tensor; temperature?: number }): ChosenTokens {
  checkShape("greedyTokens", "logits", logits, ["batch", "vocab"]);
  const { shifted, exponentials, sum } = shiftedSoftmax(logits, checkTemperature("greedyTokens", temperature));
  const tokens = tf.argMax(logits, 1);
  return { tokens, ...statistics(shifted, exponentials, sum, tokens) };
}

/** s = z − max z for z = logits / temperature, exp(s), and its row sums `[batch, 1]`. */
function shiftedSoftmax(logits: tf.Tensor, temperature: number): { shifted: tf.Tensor; exponentials: tf.Tensor; sum: tf.Tensor } {
  const scaled = temperature === 1 ? logits : tf.mul(logits, 1 / temperature);
  const shifted = tf.sub(scaled, tf.max(scaled, 1, true));
  const exponentials = tf.exp(shifted);
  return { shifted, exponentials, sum: tf.sum(exponentials, 1, true) };
}

/** log p of the chosen token, and H = log Σe − Σ e·s / Σe. */
function statistics(shifted: tf.Tensor, exponentials: tf.Tensor, sum: tf.Tensor, tokens: tf.Tensor): Omit<ChosenTokens, "tokens"> {
  const sums: tf.Tensor1D = tf.reshape(sum, [tokens.size]);
  const logSum = tf.log(sums);
  return {
    logProbs: tf.sub(pickColumn(shifted, tokens), logSum),
    entropies: tf.sub(logSum, tf.div(tf.sum(tf.mul(exponentials, shifted), 1), sums)),
  };
}

/** Σ of the `count` largest exponentials of a row / Σ of all. */
function topMasses(exponentials: tf.Tensor, sum: tf.Tensor, count: number): tf.Tensor {
  const largest = tf.topk(exponentials, count, false).values;
  return tf.div(tf.sum(largest, 1), tf.reshape(sum, [sum.size]));
}

function checkMassOf(who: string, massOf: number | undefined, vocab: number): void {
  if (massOf !== undefined && !(Number.isInteger(massOf) && massOf >= 1 && massOf <= vocab))
    throw new ConfigError({
      who,
      argument: "massOf",
      expected: `a positive integer up to the vocabulary's ${vocab}`,
      received: String(massOf),
    });
}

/** `weights` with all but the `topK` largest of a row, and of these all beyond the mass `topP`, set to 0. */
function keepMostProbable(weights: tf.Tensor, topK: number, topP: number): tf.Tensor {
  const sorted = tf.topk(weights, topK, true).values;
  const before = prefixSum(sorted, { exclusive: true });
  const limit = tf.mul(tf.sum(sorted, 1, true), topP);
  // A rank beyond the limit counts as the row's maximum (1, since weights are exp(z − max z)) and so never sets the minimum.
  const inside = tf.cast(tf.less(before, limit), "float32");
  const smallestKept = tf.min(tf.maximum(sorted, tf.sub(1, inside)), 1, true);
  return tf.mul(weights, tf.cast(tf.greaterEqual(weights, smallestKept), "float32"));
}
