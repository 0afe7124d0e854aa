// The updates of one step: kept groups in mini-batches, each a loss over its own tokens with exact denominators, one AdamW step each.

import type { Trainer } from "@longcot/language-model";
import { countResponses, policyMetricReductions } from "@longcot/ppo-loss";
import type { PolicyMetric, ValueMetric } from "@longcot/ppo-loss";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { EmitEvent } from "../events.ts";
import type { Recipe, Stage } from "../recipe/schema.ts";
import { microBatches, rowWeights } from "./micro-batches.ts";
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
  /** Of the critic at the rollout, and what it is fitted to; absent: there is none. */
  values?: Float32Array;
  returns?: Float32Array;
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
export type UpdateMetrics = Partial<Record<PolicyMetric | ValueMetric, number>> & {
  pg_loss: number;
  entropy_loss: number;
  ppo_kl: number;
  grad_norm: number;
};

/** N_SGD = (batch_size / mini_batch_size) · reuse updates on the kept groups. Returns undefined where no update is left. */
export async function updatePolicy(trainer: PolicyTrainer, rollouts: Rollouts, options: UpdateOptions): Promise<UpdateMetrics | undefined> {
  const { recipe, emit } = options;
  const miniBatches = miniBatchesOf(rollouts, options);
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

/**
 * Rows of each mini-batch of a step: every pass shuffles the groups (keyed) and deals them out, whole groups to each; with fewer groups than
 * mini-batches some have none and are left out, as are those whose tokens are all masked. Of a critic the
 * size and the number of passes may be its own.
 */
export function miniBatchesOf(
  rollouts: Rollouts,
  { recipe, stage, step, keptRows, columns }: Pick<UpdateOptions, "recipe" | "stage" | "step" | "keptRows" | "columns">,
  { miniBatchSize = stage.mini_batch_size, reuse = stage.reuse }: { miniBatchSize?: number; reuse?: number } = {},
): number[][] {
  const lengthOf = tokenCounter(rollouts, columns?.mask);
  const groups = keptGroups(rollouts, keptRows).map((rows) => ({ rows, tokens: rows.reduce((sum, row) => sum + lengthOf(row), 0) }));
  const parts = stage.batch_size / miniBatchSize;
  return Array.from({ length: reuse }, (_, pass) =>
    dealGroups(groups, { parts, rule: recipe.loss.mini_batches, key: { seed: recipe.seed, stage: step, epoch: pass } }),
  )
    .flat()
    .filter((rows) => rows.some((row) => lengthOf(row) > 0));
}

const isLargest = (metric: string): boolean => policyMetricReductions[metric as PolicyMetric] === "max";

/** Tokens of a row that the loss counts. */
export function tokenCounter(rollouts: Rollouts, mask: Uint8Array | undefined): (row: number) => number {
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
  const lengthOf = tokenCounter(rollouts, columns.mask);
  const counts = countResponses(rows.map(lengthOf));
  const has = lossColumns(recipe);
  const selected = has.selected ? await lossTokens(rollouts, rows, options) : undefined;
  const bonus = has.bonusMask ? bonusTokens(rollouts, rows, options) : undefined;
  const advantages = rollouts.viewPerRow("advantage");
  const totals: Record<string, number> = {};
  for (const batch of microBatches(rollouts, rows, { batchTokens: recipe.loss.micro_batch_tokens, most })) {
    const { chosen, inputIds, responseMask, stored, grid, perRow } = batch;
    const metrics = await trainer.accumulate({
      rows: batch.rows,
      time: batch.time,
      packing: batch.packing,
      inputIds,
      inputs: {
        old_log_probs: stored("old_log_probs"),
        mask: columns.mask === undefined ? responseMask : grid(columns.mask),
        advantages: has.tokenAdvantages ? grid(columns.advantages!) : perRow(Float32Array.from(chosen, (row) => advantages[row]!)),
        row_weights: perRow(rowWeights(chosen.map(lengthOf), { recipe, stage, ...counts })),
        token_denominator: Float32Array.of(counts.batchTokens),
        entropy_coefficient: Float32Array.of(alpha),
        ...(has.reference ? { ref_log_probs: stored("ref_log_probs") } : {}),
        ...(has.rolloutWeights ? { rollout_weights: grid(columns.rolloutWeights!) } : {}),
        ...(has.values ? { old_values: grid(columns.values!), returns: grid(columns.returns!) } : {}),
        ...(selected === undefined ? {} : { selected: grid(selected) }),
        ...(bonus === undefined ? {} : { bonus_mask: grid(bonus) }),
      },
    });
    for (const [name, value] of Object.entries(metrics)) {
      if (name === "loss") continue;
      totals[name] = isLargest(name) ? Math.max(totals[name] ?? value, value) : (totals[name] ?? 0) + value;
    }
  }
  return totals;
}
