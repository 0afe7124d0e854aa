// The updates of one step: kept groups in mini-batches, each a token-mean MAGIC loss over its own tokens, one AdamW step each.

import { planBatches } from "@longcot/language-model";
import type { TokenLoss, Trainer } from "@longcot/language-model";
import { lossReduction, policyLosses, policyMetricReductions } from "@longcot/ppo-loss";
import type { MetricReduction, PolicyMetric } from "@longcot/ppo-loss";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { Scalar, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import type { EmitEvent } from "../events.ts";
import type { Recipe, Stage } from "../recipe/schema.ts";
import { keyedOrder } from "./prompts.ts";

type PolicyInput = "old_log_probs" | "advantages" | "mask" | "row_weights" | "token_denominator" | "entropy_coefficient";
type MagicMetric = Exclude<PolicyMetric, "pg_clipfrac_lower" | "kl_loss">;

/** The recipe's policy loss as the trainer takes it. */
export function policyTokenLoss({ loss }: Pick<Recipe, "loss">): TokenLoss<PolicyInput, MagicMetric> {
  const entry = policyLosses[loss.name];
  const metrics = [...entry.metrics, "entropy_loss"].map((name) => [name, policyMetricReductions[name as PolicyMetric]]);
  return {
    inputs: {
      old_log_probs: "token",
      advantages: "row",
      mask: "token",
      row_weights: "row",
      token_denominator: "scalar",
      entropy_coefficient: "scalar",
    },
    metrics: Object.fromEntries(metrics) as Record<MagicMetric, MetricReduction>,
    evaluate: ({ logProbs, entropies, inputs }) =>
      entry.loss({
        logProbs,
        entropies,
        oldLogProbs: inputs.old_log_probs as Tensor2D,
        advantages: inputs.advantages as Tensor1D,
        mask: inputs.mask as Tensor2D,
        rowWeights: inputs.row_weights as Tensor1D,
        tokenDenominator: inputs.token_denominator as Scalar,
        entropyCoefficient: inputs.entropy_coefficient as Scalar,
        clipLow: loss.clip_low,
        clipHigh: loss.clip_high,
      }) as { loss: Scalar; metrics: Record<MagicMetric, Scalar> },
  };
}

export type PolicyTrainer = Trainer<PolicyInput, MagicMetric>;

export interface UpdateOptions {
  recipe: Recipe;
  stage: Stage;
  step: number;
  /** Rows of the kept groups, ascending. */
  keptRows: ArrayLike<number>;
  alpha: number;
  /** Longest sequence of the model. */
  most: number;
  emit: EmitEvent;
  /** Called with the rows of each mini-batch before its update. */
  beforeUpdate?: (rows: readonly number[]) => Promise<void>;
}

/** Mean over the step's updates of each loss metric, and of the gradient norm. */
export type UpdateMetrics = Record<MagicMetric | "grad_norm", number>;

/**
 * N_SGD = (batch_size / mini_batch_size) · reuse updates on the kept groups: every pass shuffles the groups (keyed) and deals them into the
 * mini-batches as evenly as whole groups allow; with fewer groups than mini-batches some have none and are left out.
 */
export async function updatePolicy(trainer: PolicyTrainer, rollouts: Rollouts, options: UpdateOptions): Promise<UpdateMetrics> {
  const { recipe, stage, step, emit } = options;
  const groups = keptGroups(rollouts, options.keptRows);
  const parts = stage.batch_size / stage.mini_batch_size;
  const miniBatches = Array.from({ length: stage.reuse }, (_, pass) => {
    const shuffled = keyedOrder(groups.length, { seed: recipe.seed, stage: step, epoch: pass }).map((i) => groups[i]!);
    return Array.from({ length: parts }, (_, part) => shuffled.filter((_, i) => i % parts === part).flat()).filter(
      (rows) => rows.length > 0,
    );
  }).flat();
  const sums: Partial<UpdateMetrics> = {};
  for (const [done, rows] of miniBatches.entries()) {
    emit({ type: "phase", phase: "update", completed: done, total: miniBatches.length, unit: "updates" });
    await options.beforeUpdate?.(rows);
    const metrics = await accumulateRows(trainer, rollouts, rows, options);
    const { gradNorm } = await trainer.apply(recipe.optimizer.learning_rate);
    for (const [name, value] of Object.entries({ ...metrics, grad_norm: gradNorm }) as [MagicMetric | "grad_norm", number][]) {
      sums[name] = (sums[name] ?? 0) + value / miniBatches.length;
    }
  }
  return sums as UpdateMetrics;
}

/** Rows of every group that has kept rows, in the order of the rollouts. */
function keptGroups(rollouts: Rollouts, keptRows: ArrayLike<number>): number[][] {
  const kept = new Set(Array.from(keptRows));
  return [...rollouts.groups()]
    .map(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i).filter((row) => kept.has(row)))
    .filter((rows) => rows.length > 0);
}

/** Gradients of one mini-batch, in micro-batches of the recipe's token budget; returns its metrics. */
async function accumulateRows(
  trainer: PolicyTrainer,
  rollouts: Rollouts,
  rows: readonly number[],
  { recipe, alpha, most }: UpdateOptions,
): Promise<Record<MagicMetric, number>> {
  const prompts = rollouts.viewPerToken("prompt_tokens").offsets;
  const responses = rollouts.viewPerToken("response_tokens").offsets;
  const span = (offsets: Int32Array<ArrayBufferLike>, row: number): number => offsets[row + 1]! - offsets[row]!;
  const lengths = rows.map((row) => span(prompts, row) + span(responses, row));
  const batchTokens = rows.reduce((sum, row) => sum + span(responses, row), 0);
  const advantages = rollouts.viewPerRow("advantage");
  const { aggregation } = policyLosses[recipe.loss.name];
  const totals: Partial<Record<MagicMetric, number>> = {};
  for (const batch of planBatches(lengths, { batchTokens: recipe.loss.micro_batch_tokens, most })) {
    const chosen = batch.indices.map((index) => rows[index]!);
    const padded = { timeSteps: batch.time, pad: 0, start: "sequence" } as const;
    const { inputIds, responseMask } = rollouts.copySequences(chosen, { timeSteps: batch.time, padToken: 0 });
    const size = batch.rows * batch.time;
    const { rowWeights } = lossReduction({
      aggregation,
      lengths: chosen.map((row) => span(responses, row)),
      batchTokens,
      batchSequences: rows.length,
    });
    const metrics = await trainer.accumulate({
      rows: batch.rows,
      time: batch.time,
      packing: batch.packing,
      inputIds: filledTo(inputIds, size),
      inputs: {
        old_log_probs: filledTo(rollouts.copyPadded("old_log_probs", chosen, padded) as Float32Array<ArrayBuffer>, size),
        mask: filledTo(responseMask, size),
        advantages: filledTo(
          Float32Array.from(chosen, (row) => advantages[row]!),
          batch.rows,
        ),
        row_weights: filledTo(rowWeights, batch.rows),
        token_denominator: Float32Array.of(batchTokens),
        entropy_coefficient: Float32Array.of(alpha),
      },
    });
    for (const [name, value] of Object.entries(metrics) as [MagicMetric, number][]) {
      if (!(name in policyMetricReductions)) continue;
      totals[name] = policyMetricReductions[name] === "max" ? Math.max(totals[name] ?? value, value) : (totals[name] ?? 0) + value;
    }
  }
  return totals as Record<MagicMetric, number>;
}

/** `values` with zeros behind them up to `size`: rows that only fill a compiled shape. */
function filledTo<T extends Float32Array | Int32Array>(values: T, size: number): T {
  if (values.length === size) return values;
  const filled = new (values.constructor as new (length: number) => T)(size);
  filled.set(values);
  return filled;
}
