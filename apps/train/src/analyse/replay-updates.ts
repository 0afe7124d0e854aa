// The updates of finished steps done again from their rollouts, nothing generated, to see where every ratio stood when it was clipped or not.
//
// From a checkpoint on, the same rollouts, mini-batches and optimizer state give the same updates, bit for bit; before each of them the
// policy scores the mini-batch. What the run logged as clipped must come out again, and does: it is returned beside.

import { join } from "node:path";
import { createTrainer, openSafetensors } from "@longcot/language-model";
import { ConfigError, DataError } from "@longcot/errors";
import { advantageEstimators } from "@longcot/ppo-loss";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { EmitEvent, Metrics } from "../events.ts";
import { optimizerOptions } from "../recipe/optimizer-options.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { Checkpoint } from "../run/checkpoints.ts";
import type { RolloutStore } from "../run/rollout-store.ts";
import { placeOf } from "../training/place-of.ts";
import { loadPreparedModel, openModelFiles } from "../training/prepare-model.ts";
import type { PreparedModel } from "../training/prepare-model.ts";
import { scoreRows } from "../training/old-log-probs.ts";
import { policyTokenLoss } from "../training/policy-loss.ts";
import { correctRollouts } from "../training/rollout-correction.ts";
import { updatePolicy } from "../training/update.ts";
import { openRecipeEngine } from "../training/open-recipe-engine.ts";
import { keptRows } from "./measure-rollouts.ts";

/** The tokens of one mini-batch, its rows end to end. */
export interface ReplayedMiniBatch {
  /** Of the policy that is about to be updated by it, nats. */
  logProbs: Float32Array;
  /** Of the policy that made the rollout, nats. */
  oldLogProbs: Float32Array;
  /** Per row. */
  advantages: Float32Array;
  offsets: Int32Array;
}

export interface ReplayedStep {
  step: number;
  miniBatches: ReplayedMiniBatch[];
  /** Clipped share as the replay computes it, and as the run logged it. */
  clipFraction: { replayed: number; logged: number };
}

export interface Replay {
  /** With the stages as they ended (settleStages). */
  recipe: Recipe;
  store: RolloutStore;
  checkpoint: Checkpoint;
  /** The run's metrics, a line per step. */
  metrics: readonly Metrics[];
  /** Last step to replay. */
  lastStep: number;
  signal: AbortSignal;
  emit: EmitEvent;
}

/**
 * Replays the steps after the checkpoint that have rollouts and an update, in order.
 * @throws ConfigError for a run with adapters, or with an advantage per token, which rollouts do not hold; DataError where a step's rollouts are missing.
 */
export async function* replayUpdates({ recipe, store, checkpoint, metrics, lastStep, signal, emit }: Replay): AsyncGenerator<ReplayedStep> {
  if (recipe.lora !== undefined)
    throw new ConfigError({
      who: "analyse",
      argument: "--what-if",
      expected: "a run without lora, whose updates cannot be replayed yet",
      received: recipe.name,
    });
  if (advantageEstimators[recipe.advantages.estimator].level === "token")
    throw new ConfigError({
      who: "analyse",
      argument: "--what-if",
      expected: "a run with one advantage a response, as its rollouts hold it",
      received: `advantages.estimator ${recipe.advantages.estimator}`,
    });
  if (recipe.kl?.estimator === "full")
    throw new ConfigError({
      who: "analyse",
      argument: "--what-if",
      expected: "a run whose loss takes the reference's log-probabilities from its rollouts",
      received: "kl.estimator full",
    });
  const engine = await openRecipeEngine(recipe.engine);
  try {
    const prepared = await loadPreparedModel(engine, await openModelFiles(join(checkpoint.folder, "model"), recipe), recipe);
    const trainer = await createTrainer(prepared.model, {
      loss: policyTokenLoss(recipe),
      temperature: recipe.rollout.temperature,
      optimizer: optimizerOptions(recipe.optimizer),
      gradientCheckpointing: recipe.memory.gradient_checkpointing,
    });
    const moments = await openSafetensors(join(checkpoint.folder, "optimizer.safetensors"));
    const { updates } = checkpoint.state as { updates: number };
    await trainer.restore(moments, updates).finally(() => moments.close());
    for (let step = checkpoint.step + 1; step <= lastStep && !signal.aborted; step++) {
      const logged = metrics.find((line) => line["training/global_step"] === step);
      const rollouts = await store.read(step);
      if (rollouts === undefined || logged === undefined)
        throw new DataError({ who: "analyse", argument: `step ${step}`, expected: "rollouts and metrics of the step", received: "none" });
      const kept = keptRows(rollouts, recipe);
      if (kept.length === 0 || logged["actor/pg_clipfrac"] === undefined) continue;
      const miniBatches: ReplayedMiniBatch[] = [];
      const { metrics: _, ...columns } = correctRollouts(rollouts, kept, recipe.rollout_correction);
      const update = await updatePolicy(trainer, rollouts, {
        recipe,
        stage: placeOf(recipe, step - 1).stage,
        step,
        keptRows: kept,
        columns,
        currentLogProbs: async (rows) =>
          await scoreRows(
            prepared,
            rows.map((row) => rollouts.viewRow(row)),
            recipe,
          ),
        alpha: logged["actor/entropy_coeff_realized"]!,
        most: prepared.model.config.maxPositionEmbeddings,
        emit,
        beforeUpdate: async (rows) => {
          miniBatches.push(await scoreMiniBatch(prepared, rollouts, rows, recipe));
        },
      });
      yield { step, miniBatches, clipFraction: { replayed: update?.pg_clipfrac ?? 0, logged: logged["actor/pg_clipfrac"] } };
    }
  } finally {
    await engine.close();
  }
}

async function scoreMiniBatch(
  prepared: PreparedModel,
  rollouts: Rollouts,
  rows: readonly number[],
  recipe: Recipe,
): Promise<ReplayedMiniBatch> {
  const views = rows.map((row) => rollouts.viewRow(row));
  const scores = await scoreRows(prepared, views, recipe);
  const { values: old, offsets: places } = rollouts.viewPerToken("old_log_probs");
  const advantages = rollouts.viewPerRow("advantage");
  const offsets = new Int32Array(rows.length + 1);
  views.forEach(({ responseTokens }, i) => (offsets[i + 1] = offsets[i]! + responseTokens.length));
  const logProbs = new Float32Array(offsets.at(-1)!);
  const oldLogProbs = new Float32Array(offsets.at(-1)!);
  rows.forEach((row, i) => {
    logProbs.set(scores[i]!, offsets[i]);
    oldLogProbs.set(old.subarray(places[row]!, places[row + 1]!), offsets[i]);
  });
  return { logProbs, oldLogProbs, offsets, advantages: Float32Array.from(rows, (row) => advantages[row]!) };
}
