// The updates of one step: kept groups in mini-batches, each a loss over its own tokens with exact denominators, one AdamW step each.

import { planBatches } from "@longcot/language-model";
import type { Batch, Trainer } from "@longcot/language-model";
import { countResponses, lossReduction, perMicroBatchReduction, policyMetricReductions } from "@longcot/ppo-loss";
import type { PolicyMetric } from "@longcot/ppo-loss";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { EmitEvent } from "../events.ts";
import type { Recipe, Stage } from "../recipe/schema.ts";
import { dealGroups } from "./mini-batches.ts";
import { lossColumns } from "./policy-loss.ts";
import { bonusTokens, lossTokens } from "./token-selection.ts";
import type { CurrentLogProbs } from "./token-selection.ts";

export type PolicyTrainer = Trainer<string, string>;

/** Columns of the rollouts' response tokens, flat in their order, that are not in them. */
export interface TokenColumns {
  /** One advantage per token; absent: the rollouts' one per response. */
  advantages?: Float32Array;
  /** Importance weights of the rollout correction. */
  rolloutWeights?: Float32Array;
  /** 1 on tokens that count; absent: all do. */
  mask?: Uint8Array;
}

export interface UpdateOptions {
  recipe: Recipe;
  stage: Stage;
  step: number;
  /** Rows of the kept groups, ascending. */
  keptRows: ArrayLike<number>;
  columns?: TokenColumns;
  alpha: number;
  /** Longest sequence of the model. */
  most: number;
  /** Log-probabilities of rows under the policy as it is: for losses that choose tokens by them. */
  currentLogProbs: CurrentLogProbs;
  emit: EmitEvent;
  /** Called with the rows of each mini-batch before its update. */
  beforeUpdate?: (rows: readonly number[]) => Promise<void>;
}

/** Of each loss metric the mean over the step's updates, or the largest where it is a largest value; and the mean gradient norm. */
export type UpdateMetrics = Partial<Record<PolicyMetric, number>> & {
  pg_loss: number;
  entropy_loss: number;
  ppo_kl: number;
  grad_norm: number;
};

/**
 * N_SGD = (batch_size / mini_batch_size) · reuse updates on the kept groups: every pass shuffles the groups (keyed) and deals them into the
 * mini-batches, whole groups to each; with fewer groups than mini-batches some have none and are left out, as are those whose tokens are all
 * masked. Returns undefined where no update is left.
 */
export async function updatePolicy(trainer: PolicyTrainer, rollouts: Rollouts, options: UpdateOptions): Promise<UpdateMetrics | undefined> {
  const { recipe, stage, step, emit, columns } = options;
  const lengthOf = tokenCounter(rollouts, columns?.mask);
  const groups = keptGroups(rollouts, options.keptRows).map((rows) => ({
    rows,
    tokens: rows.reduce((sum, row) => sum + lengthOf(row), 0),
  }));
  const parts = stage.batch_size / stage.mini_batch_size;
  const miniBatches = Array.from({ length: stage.reuse }, (_, pass) =>
    dealGroups(groups, { parts, rule: recipe.loss.mini_batches, key: { seed: recipe.seed, stage: step, epoch: pass } }),
  )
    .flat()
    .filter((rows) => rows.some((row) => lengthOf(row) > 0));
  const totals: Record<string, number> = {};
  for (const [update, rows] of miniBatches.entries()) {
    emit({ type: "phase", phase: "update", completed: update, total: miniBatches.length, unit: "updates" });
    await options.beforeUpdate?.(rows);
    const metrics = await accumulateRows(trainer, rollouts, rows, { ...options, update });
    const { gradNorm } = await trainer.apply(recipe.optimizer.learning_rate);
    for (const [name, value] of Object.entries({ ...metrics, grad_norm: gradNorm }))
      totals[name] = isLargest(name) ? Math.max(totals[name] ?? value, value) : (totals[name] ?? 0) + value / miniBatches.length;
  }
  return miniBatches.length === 0 ? undefined : (totals as UpdateMetrics);
}

const isLargest = (metric: string): boolean => policyMetricReductions[metric as PolicyMetric] === "max";

/** Tokens of a row that the loss counts. */
function tokenCounter(rollouts: Rollouts, mask: Uint8Array | undefined): (row: number) => number {
  const { offsets } = rollouts.viewPerToken("response_tokens");
  return (row) => {
    const [from, to] = [offsets[row]!, offsets[row + 1]!];
    return mask === undefined ? to - from : mask.subarray(from, to).reduce((sum, counts) => sum + counts, 0);
  };
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
  options: UpdateOptions & { update: number },
): Promise<Record<string, number>> {
  const { recipe, stage, alpha, most, columns = {} } = options;
  const prompts = rollouts.viewPerToken("prompt_tokens").offsets;
  const responses = rollouts.viewPerToken("response_tokens").offsets;
  const span = (offsets: Int32Array<ArrayBufferLike>, row: number): number => offsets[row + 1]! - offsets[row]!;
  const lengthOf = tokenCounter(rollouts, columns.mask);
  const counts = countResponses(rows.map(lengthOf));
  const has = lossColumns(recipe);
  const selected = has.selected ? await lossTokens(rollouts, rows, options) : undefined;
  const bonus = has.bonusMask ? bonusTokens(rollouts, rows, options) : undefined;
  const advantages = rollouts.viewPerRow("advantage");
  const totals: Record<string, number> = {};
  for (const batch of planBatches(
    rows.map((row) => span(prompts, row) + span(responses, row)),
    { batchTokens: recipe.loss.micro_batch_tokens, most },
  )) {
    const chosen = batch.indices.map((index) => rows[index]!);
    const { inputIds, responseMask } = rollouts.copySequences(chosen, { timeSteps: batch.time, padToken: 0 });
    const size = batch.rows * batch.time;
    const stored = (name: "old_log_probs" | "ref_log_probs"): Float32Array => {
      const padded = rollouts.copyPadded(name, chosen, { timeSteps: batch.time, pad: 0, start: "sequence" });
      return filledTo(padded as Float32Array<ArrayBuffer>, size);
    };
    const grid = (values: Float32Array | Uint8Array): Float32Array => paddedGrid(values, { chosen, prompts, responses, batch });
    const perRow = (values: Float32Array): Float32Array => filledTo(values, batch.rows);
    const metrics = await trainer.accumulate({
      rows: batch.rows,
      time: batch.time,
      packing: batch.packing,
      inputIds: filledTo(inputIds, size),
      inputs: {
        old_log_probs: stored("old_log_probs"),
        mask: columns.mask === undefined ? filledTo(responseMask, size) : grid(columns.mask),
        advantages: has.tokenAdvantages ? grid(columns.advantages!) : perRow(Float32Array.from(chosen, (row) => advantages[row]!)),
        row_weights: perRow(rowWeights(chosen.map(lengthOf), { recipe, stage, ...counts })),
        token_denominator: Float32Array.of(counts.batchTokens),
        entropy_coefficient: Float32Array.of(alpha),
        ...(has.reference ? { ref_log_probs: stored("ref_log_probs") } : {}),
        ...(has.rolloutWeights ? { rollout_weights: grid(columns.rolloutWeights!) } : {}),
        ...(selected === undefined ? {} : { selected: grid(selected) }),
        ...(bonus === undefined ? {} : { bonus_mask: grid(bonus) }),
      },
    });
    for (const [name, value] of Object.entries(metrics)) {
      if (!(name in policyMetricReductions)) continue;
      totals[name] = isLargest(name) ? Math.max(totals[name] ?? value, value) : (totals[name] ?? 0) + value;
    }
  }
  return totals;
}

/** Weights of the rows of a micro-batch, by the recipe's aggregation and denominator. */
function rowWeights(
  lengths: readonly number[],
  { recipe, stage, ...counts }: Pick<UpdateOptions, "recipe" | "stage"> & { batchTokens: number; batchSequences: number },
): Float32Array {
  const { aggregation, denominator } = recipe.loss;
  const options = { aggregation, lengths, scaleFactor: stage.context_length };
  if (lengths.every((length) => length === 0)) return new Float32Array(lengths.length);
  if (denominator === "exact") return lossReduction({ ...options, ...counts }).rowWeights;
  return perMicroBatchReduction({ ...options, nominalRows: stage.mini_batch_size * stage.group_size }).rowWeights;
}

/** A flat token column as the `[rows, time]` of a batch, each response behind its prompt. */
function paddedGrid(
  values: Float32Array | Uint8Array,
  {
    chosen,
    prompts,
    responses,
    batch: { rows, time },
  }: { chosen: readonly number[]; prompts: Int32Array<ArrayBufferLike>; responses: Int32Array<ArrayBufferLike>; batch: Batch },
): Float32Array {
  const grid = new Float32Array(rows * time);
  chosen.forEach((row, i) => {
    const promptLength = prompts[row + 1]! - prompts[row]!;
    grid.set(values.subarray(responses[row], responses[row + 1]), i * time + promptLength);
  });
  return grid;
}

/** `values` with zeros behind them up to `size`: rows that only fill a compiled shape. */
function filledTo<T extends Float32Array | Int32Array>(values: T, size: number): T {
  if (values.length === size) return values;
  const filled = new (values.constructor as new (length: number) => T)(size);
  filled.set(values);
  return filled;
}
