// What every policy loss of this package takes and gives, and the checks of its inputs.
//
// A policy loss is written in plain tfjs ops: it never reads a tensor's value, so that it runs on any backend and can
// be traced into a graph. Shapes and plain numbers are checked here; values inside tensors cannot be.
import type { Rank, Scalar, Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import { ConfigError, NumericError, ShapeError } from "@longcot/errors";

/** Inputs of a token-level policy loss. Entries where `mask` is 0 may hold anything. */
export interface PolicyLossInputs {
  /** [batch, time] f32, nats: log-probability of each response token under the policy being trained; carries the gradient. */
  readonly logProbs: Tensor2D;
  /** [batch, time] f32, nats: the same tokens under the policy that the batch is taken from. */
  readonly oldLogProbs: Tensor2D;
  /** [batch] f32, one per response, or [batch, time] f32, one per token. */
  readonly advantages: Tensor1D | Tensor2D;
  /** [batch, time] f32: 1 on response tokens of kept rows, 0 elsewhere. */
  readonly mask: Tensor2D;
  /** [batch, time] f32, nats: full-vocabulary entropy at each token; carries the gradient of the bonus. */
  readonly entropies: Tensor2D;
  /** Response tokens of the whole batch, all micro-batches together. A tensor must be above 0: its value is not read. */
  readonly tokenDenominator: number | Scalar;
  /** Weight of the entropy bonus. A tensor where it changes from step to step of a traced graph. */
  readonly entropyCoefficient: number | Scalar;
}

/** A scalar to minimise and its metrics, as tensors; each adds up over micro-batches as `MetricReduction` says. */
export interface PolicyLossResult<MetricName extends string = string> {
  readonly loss: Scalar;
  readonly metrics: { readonly [name in MetricName]: Scalar };
}

/** How values of one metric from several micro-batches become the batch's value. */
export type MetricReduction = "sum" | "max";

/**
 * Checks shapes, dtypes and plain numbers of `inputs`.
 *
 * @throws ShapeError on a tensor of another shape than `logProbs` or not float32.
 * @throws NumericError on a token denominator that is a number but not positive.
 * @throws ConfigError on an entropy coefficient that is a number but negative or not finite.
 */
export function checkPolicyLossInputs(who: string, inputs: PolicyLossInputs): void {
  const { logProbs, oldLogProbs, advantages, mask, entropies, tokenDenominator, entropyCoefficient } = inputs;
  if (logProbs.rank !== 2)
    throw new ShapeError({
      who,
      argument: "logProbs",
      expected: "[batch, time]",
      received: describe(logProbs),
    });
  const [batch, time] = logProbs.shape;
  checkTensor(who, "logProbs", logProbs, [batch, time]);
  checkTensor(who, "oldLogProbs", oldLogProbs, [batch, time]);
  checkTensor(who, "advantages", advantages as Tensor, advantages.rank === 1 ? [batch] : [batch, time]);
  checkTensor(who, "mask", mask, [batch, time]);
  checkTensor(who, "entropies", entropies, [batch, time]);
  if (typeof tokenDenominator !== "number") checkTensor(who, "tokenDenominator", tokenDenominator, []);
  else if (!(tokenDenominator > 0 && Number.isFinite(tokenDenominator))) {
    throw new NumericError({
      who,
      argument: "tokenDenominator",
      expected: "a positive number of tokens",
      received: String(tokenDenominator),
      fix: "Skip the update of a batch without kept tokens",
    });
  }
  if (typeof entropyCoefficient !== "number") checkTensor(who, "entropyCoefficient", entropyCoefficient, []);
  else if (!(entropyCoefficient >= 0 && Number.isFinite(entropyCoefficient))) {
    throw new ConfigError({
      who,
      argument: "entropyCoefficient",
      expected: "a finite number of zero or more",
      received: String(entropyCoefficient),
    });
  }
}

/** Throws a ConfigError unless the ratio may move inside `[1 - clipLow, 1 + clipHigh]`. */
export function checkClipRange(who: string, clipLow: number, clipHigh: number): void {
  if (!(clipLow >= 0 && clipLow <= 1))
    throw new ConfigError({
      who,
      argument: "clipLow",
      expected: "between 0 and 1",
      received: String(clipLow),
    });
  if (!(clipHigh >= 0 && Number.isFinite(clipHigh))) {
    throw new ConfigError({
      who,
      argument: "clipHigh",
      expected: "a finite number of zero or more",
      received: String(clipHigh),
    });
  }
}

function checkTensor(who: string, argument: string, tensor: Tensor<Rank>, shape: readonly number[]): void {
  const fits = tensor.dtype === "float32" && tensor.rank === shape.length && shape.every((size, axis) => tensor.shape[axis] === size);
  if (!fits)
    throw new ShapeError({
      who,
      argument,
      expected: `[${shape.join(", ")}] float32`,
      received: describe(tensor),
    });
}

function describe(tensor: Tensor<Rank>): string {
  return `[${tensor.shape.join(", ")}] ${tensor.dtype}`;
}
