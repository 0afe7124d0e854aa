// The updates of a critic by itself in one step: the policy's mini-batches or its own, the value loss with exact denominators, one AdamW step each.

import { countResponses } from "@longcot/ppo-loss";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { EmitEvent, Metrics } from "../events.ts";
import { definedOnly } from "../recipe/defined-only.ts";
import type { Recipe, Stage } from "../recipe/schema.ts";
import type { ValueTrainer } from "./critic.ts";
import { microBatches, rowWeights } from "./micro-batches.ts";
import type { ValueColumns } from "./value-metrics.ts";
import { miniBatchesOf, tokenCounter } from "./update.ts";

export interface CriticUpdateOptions {
  trainer: ValueTrainer;
  learningRate: number;
  recipe: Recipe;
  stage: Stage;
  step: number;
  /** Rows of the kept groups, ascending. */
  keptRows: ArrayLike<number>;
  /** Of the rollouts' response tokens, flat in their order. */
  columns: ValueColumns;
  /** Longest sequence of the model. */
  most: number;
  emit: EmitEvent;
}

/** Trains the critic and returns its metrics: of the loss and the gradient norm the means over the updates. */
export async function updateCritic(
  rollouts: Rollouts,
  { trainer, learningRate, recipe, stage, step, keptRows, columns, most, emit }: CriticUpdateOptions,
): Promise<Metrics> {
  const { mini_batch_size: miniBatchSize, reuse } = recipe.critic!;
  const miniBatches = miniBatchesOf(rollouts, { recipe, stage, step, keptRows }, definedOnly({ miniBatchSize, reuse }));
  const lengthOf = tokenCounter(rollouts, undefined);
  const means = { vf_loss: 0, vf_clipfrac: 0, vpred_mean: 0, grad_norm: 0 };
  for (const [update, rows] of miniBatches.entries()) {
    emit({ type: "phase", phase: "update_critic", completed: update, total: miniBatches.length, unit: "updates" });
    const counts = countResponses(rows.map(lengthOf));
    for (const batch of microBatches(rollouts, rows, { batchTokens: recipe.loss.micro_batch_tokens, most })) {
      const metrics = await trainer.accumulate({
        rows: batch.rows,
        time: batch.time,
        packing: batch.packing,
        inputIds: batch.inputIds,
        inputs: {
          old_values: batch.grid(columns.values),
          returns: batch.grid(columns.returns),
          mask: batch.responseMask,
          row_weights: batch.perRow(rowWeights(batch.chosen.map(lengthOf), { recipe, stage, ...counts })),
          token_denominator: Float32Array.of(counts.batchTokens),
        },
      });
      for (const name of ["vf_loss", "vf_clipfrac", "vpred_mean"] as const) means[name] += metrics[name] / miniBatches.length;
    }
    const { gradNorm } = await trainer.apply(learningRate);
    means.grad_norm += gradNorm / miniBatches.length;
  }
  return { ...Object.fromEntries(Object.entries(means).map(([name, mean]) => [`critic/${name}`, mean])), "critic/lr": learningRate };
}
