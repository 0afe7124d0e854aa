// What every policy loss of this package takes and gives, and the checks of its inputs.
//
// A policy loss is written in plain tfjs ops: it never reads a tensor's value, so that it runs on any backend and can
// be traced into a graph. Shapes and plain numbers are checked here; values inside tensors cannot be.
import type { Rank, Scalar, Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import { ConfigError, NumericError, ShapeError } from "@longcot/errors";

import { klFormula } from "../kl-estimators.ts";
import type { KlEstimator } from "../kl-estimators.ts";
import { checkNumber } from "../option-checks.ts";

/** Inputs of every policy loss. Entries where `mask` is 0 may hold anything. */
export interface PolicyLossInputs {
  /** [batch, time] f32, nats: log-probability of each response token under the policy being trained; carries the gradient. */
  readonly logProbs: Tensor2D;
  /** [batch, time] f32, nats: the same tokens under the policy that the batch is taken from. */
  readonly oldLogProbs: Tensor2D;
  /** [batch] f32, one per response, or [batch, time] f32, one per token. */
  readonly advantages: Tensor1D | Tensor2D;
  /** [batch, time] f32: 1 on response tokens of kept rows, 0 elsewhere. */
  readonly mask: Tensor2D;
  /** [batch] f32: weight of each token of a row in the loss, from `lossReduction`. */
  readonly rowWeights: Tensor1D;
  /** Response tokens of the whole batch, all micro-batches together, from `lossReduction`: metrics are divided by it. A tensor must be above 0. */
  readonly tokenDenominator: number | Scalar;
  /** [batch, time] f32: importance weights of the rollout correction; token losses are multiplied by them. Absent: 1. */
  readonly rolloutWeights?: Tensor2D | undefined;
  /** [batch, time] f32, nats: entropy at each token; carries the gradient of the bonus. With `entropyCoefficient`, or neither. */
  readonly entropies?: Tensor2D | undefined;
  /** α, weight of the entropy bonus. A tensor where it changes from step to step of a traced graph. */
  readonly entropyCoefficient?: number | Scalar | undefined;
  /** [batch, time] f32, nats: the same tokens under the reference policy, for an estimate of KL. With `klCoefficient`, or neither. */
  readonly referenceLogProbs?: Tensor2D | undefined;
  /** [batch, time] f32, nats: KL(π ‖ π_ref) at each token, as `fullKl` gives it, with gradient; in place of `referenceLogProbs`. */
  readonly referenceKl?: Tensor2D | undefined;
  /** β, weight of the KL penalty. */
  readonly klCoefficient?: number | Scalar | undefined;
  /** Of `referenceLogProbs`. Default `k3`. */
  readonly klEstimator?: KlEstimator | undefined;
}

/**
 * Metrics of policy losses, under verl's names without their `actor/` prefix. N is `tokenDenominator`; Σ runs over tokens with mask 1.
 * - `pg_loss`: the policy term, aggregated by `rowWeights`.
 * - `pg_clipfrac`: share of tokens whose gradient the loss's clipping cuts (each loss says how).
 * - `pg_clipfrac_lower`: share of tokens cut by a second bound (dual clip), or from below.
 * - `ppo_kl`: Σ (log π_old − log π) / N in nats, the k1 estimate.
 * - `ratio_mean`: Σ ρ / N. `ratio_max`: largest ρ, 0 when no token is in the mask.
 * - `entropy_loss`: entropies, aggregated by `rowWeights`; where `entropies` are given.
 * - `kl_loss`: KL(π ‖ π_ref) or its estimates, aggregated by `rowWeights`; where `referenceKl` or `referenceLogProbs` are given.
 */
export type PolicyMetric =
  | "pg_loss"
  | "pg_clipfrac"
  | "pg_clipfrac_lower"
  | "ppo_kl"
  | "ratio_mean"
  | "ratio_max"
  | "entropy_loss"
  | "kl_loss";

/** How values of one metric from several micro-batches become the batch's value. */
export type MetricReduction = "sum" | "max";

/** How each metric combines over micro-batches that share the batch's denominators. */
export const policyMetricReductions: Readonly<Record<PolicyMetric, MetricReduction>> = {
  pg_loss: "sum",
  pg_clipfrac: "sum",
  pg_clipfrac_lower: "sum",
  ppo_kl: "sum",
  ratio_mean: "sum",
  ratio_max: "max",
  entropy_loss: "sum",
  kl_loss: "sum",
};

/** A scalar to minimise and its metrics, as tensors; each adds up over micro-batches as {@link policyMetricReductions} says. */
export interface PolicyLossResult {
  readonly loss: Scalar;
  readonly metrics: Readonly<Partial<Record<PolicyMetric, Scalar>>>;
}

/**
 * Checks shapes, dtypes and plain numbers of `inputs`.
 *
 * @throws ShapeError on a tensor of another shape than `logProbs` implies, or not float32.
 * @throws NumericError on a token denominator that is a number but not positive.
 * @throws ConfigError on a coefficient that is a number but negative or not finite, or given without its tensor (or the reverse).
 */
export function checkPolicyLossInputs(who: string, inputs: PolicyLossInputs): void {
  const { logProbs, advantages, tokenDenominator } = inputs;
  if (logProbs.rank !== 2) throw new ShapeError({ who, argument: "logProbs", expected: "[batch, time]", received: describe(logProbs) });
  const [batch, time] = logProbs.shape;
  const tokens = [batch, time];
  for (const name of ["logProbs", "oldLogProbs", "mask"] as const) checkTensor(who, name, inputs[name], tokens);
  checkTensor(who, "advantages", advantages as Tensor, advantages.rank === 1 ? [batch] : tokens);
  checkTensor(who, "rowWeights", inputs.rowWeights, [batch]);
  for (const name of ["rolloutWeights", "entropies", "referenceLogProbs", "referenceKl"] as const) {
    const tensor = inputs[name];
    if (tensor !== undefined) checkTensor(who, name, tensor, tokens);
  }
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
  checkTerm(who, "entropyCoefficient", inputs.entropyCoefficient, "entropies", inputs.entropies);
  checkTerm(who, "klCoefficient", inputs.klCoefficient, "referenceLogProbs", inputs.referenceKl ?? inputs.referenceLogProbs);
  if (inputs.referenceKl !== undefined) checkIsExact(who, inputs);
  if (inputs.klEstimator !== undefined) klFormula(who, inputs.klEstimator);
}

/** An exact KL leaves nothing to estimate. */
function checkIsExact(who: string, { referenceLogProbs, klEstimator }: PolicyLossInputs): void {
  if (referenceLogProbs === undefined && klEstimator === undefined) return;
  const argument = referenceLogProbs === undefined ? "klEstimator" : "referenceLogProbs";
  throw new ConfigError({ who, argument, expected: "absent with referenceKl, which is no estimate", received: klEstimator ?? "a tensor" });
}

function checkTerm(
  who: string,
  argument: string,
  coefficient: number | Scalar | undefined,
  owner: string,
  tensor: Tensor | undefined,
): void {
  if ((coefficient === undefined) !== (tensor === undefined))
    throw new ConfigError({
      who,
      argument: coefficient === undefined ? argument : owner,
      expected: `given with ${coefficient === undefined ? owner : argument}`,
      received: "nothing",
    });
  if (typeof coefficient === "number") checkNumber(who, argument, coefficient, { least: 0 });
  else if (coefficient !== undefined) checkTensor(who, argument, coefficient, []);
}

/** Throws a ConfigError unless the ratio may move inside `[1 - clipLow, 1 + clipHigh]`. */
export function checkClipRange(who: string, clipLow: number, clipHigh: number): void {
  checkNumber(who, "clipLow", clipLow, { least: 0, most: 1 });
  checkNumber(who, "clipHigh", clipHigh, { least: 0 });
}

/** Asserts that a loss over chosen tokens was told which. @throws ConfigError without them, ShapeError on another shape than `logProbs`. */
export function checkSelected(who: string, selected: Tensor2D | undefined, { logProbs }: PolicyLossInputs): asserts selected is Tensor2D {
  if (selected === undefined)
    throw new ConfigError({
      who,
      argument: "selected",
      expected: "given: 1 on the tokens that the loss acts on",
      received: "nothing",
      fix: "Choose them over the whole batch of an update with selectClipCovTokens or selectKlCovTokens",
    });
  checkTensor(who, "selected", selected, logProbs.shape);
}

/** Throws a ShapeError unless `tensor` is float32 of this shape. */
export function checkTensor(who: string, argument: string, tensor: Tensor<Rank>, shape: readonly number[]): void {
  const fits = tensor.dtype === "float32" && tensor.rank === shape.length && shape.every((size, axis) => tensor.shape[axis] === size);
  if (!fits) throw new ShapeError({ who, argument, expected: `[${shape.join(", ")}] float32`, received: describe(tensor) });
}

function describe(tensor: Tensor<Rank>): string {
  return `[${tensor.shape.join(", ")}] ${tensor.dtype}`;
}
