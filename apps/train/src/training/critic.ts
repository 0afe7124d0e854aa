// The critic of a run: a scalar model with weights of its own, or a head on the policy's; its values, what trains it, its checkpoints.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  attachValueHead,
  createActorCriticTrainer,
  createScalarModel,
  createScalarTrainer,
  createTrainer,
  openSafetensors,
  restoreValueHead,
  restoreWeights,
  saveScalarModel,
  tokenScalars,
  valueHeadTensors,
  writeSafetensors,
} from "@longcot/language-model";
import type { ActorCritic, LanguageModel, ScalarModel, Trainer, UpdateOptions } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
import type { ValueMetric } from "@longcot/ppo-loss";
import type { EmitEvent } from "../events.ts";
import type { CriticSettings } from "../recipe/critic-schema.ts";
import { optimizerOptions } from "../recipe/optimizer-options.ts";
import type { Recipe } from "../recipe/schema.ts";
import { policyTokenLoss } from "./policy-loss.ts";
import type { PreparedModel } from "./prepare-model.ts";
import type { PolicyTrainer } from "./update.ts";
import { actorCriticLoss, criticLoss } from "./value-loss.ts";
import type { ValueInput } from "./value-loss.ts";

export type ValueTrainer = Trainer<ValueInput, ValueMetric>;

export interface Critic {
  /** Of every token of the sequences: V of the state that it was chosen in; 0 for the first. */
  valuesOf(sequences: readonly Int32Array[], emit: EmitEvent): Promise<Float32Array[]>;
  /** What trains the critic by itself in `step`, and its learning rate; undefined where the policy's updates train it. */
  trainerIn(step: number): { trainer: ValueTrainer; learningRate: number } | undefined;
  /** Updates of the critic by itself. */
  readonly updates: number;
  /** Writes the folder `critic/` of a checkpoint. */
  save(checkpoint: string): Promise<void>;
  /** Goes on from what {@link save} wrote, after `updates` updates. */
  restore(checkpoint: string, updates: number): Promise<void>;
}

/**
 * What trains the policy, near `reference` where the loss has the whole KL to it, and the critic where the recipe has one: it begins on the
 * policy's weights as they are, every value 0.
 * @throws ConfigError where `entropy.top_k` is above the model's vocabulary.
 */
export async function openTrainers(
  recipe: Recipe,
  { model }: PreparedModel,
  reference?: LanguageModel,
): Promise<{ trainer: PolicyTrainer; critic?: Critic }> {
  const { optimizer, critic: settings } = recipe;
  checkTopK(recipe, model.config.vocabSize);
  const updating: UpdateOptions = {
    optimizer: optimizerOptions(optimizer),
    gradientCheckpointing: recipe.memory.gradient_checkpointing,
  };
  const { temperature } = recipe.rollout;
  if (settings?.backbone === "shared") {
    const both = await attachValueHead(model, { head: "zero" });
    const trainer = await createActorCriticTrainer(both, { ...updating, loss: actorCriticLoss(recipe, settings), temperature, reference });
    // Of the head alone, with moments of its own and no gradient below it.
    const head = { ...both, trainable: [both.valueHead] };
    const warmUp = settings.warmup_steps > 0 ? await createScalarTrainer(head, { ...updating, loss: criticLoss(settings) }) : undefined;
    return { trainer, critic: sharedCritic(recipe, settings, both, warmUp) };
  }
  const trainer = await createTrainer(model, { ...updating, loss: policyTokenLoss(recipe), temperature, reference });
  if (settings === undefined) return { trainer };
  const own = await createScalarModel(model.engine, model, { name: "critic", head: "zero" });
  return { trainer, critic: ownCritic(recipe, settings, own, await createScalarTrainer(own, { ...updating, loss: criticLoss(settings) })) };
}

function checkTopK({ name, entropy }: Recipe, vocabulary: number): void {
  const k = "top_k" in entropy ? entropy.top_k : undefined;
  if (k === undefined || k <= vocabulary) return;
  throw new ConfigError({
    who: `recipe ${name}`,
    argument: "entropy.top_k",
    expected: `at most ${vocabulary}, the model's vocabulary`,
    received: String(k),
  });
}

const OPTIMIZER_FILE = "optimizer.safetensors";
const HEAD_FILE = "value_head.safetensors";

function ownCritic(recipe: Recipe, settings: CriticSettings, model: ScalarModel, trainer: ValueTrainer): Critic {
  return {
    valuesOf: (sequences, emit) => valuesOf(model, sequences, recipe, emit),
    trainerIn: () => ({ trainer, learningRate: settings.learning_rate! }),
    get updates() {
      return trainer.updates;
    },
    async save(checkpoint) {
      const folder = join(checkpoint, "critic");
      await saveScalarModel(model, join(folder, "model"), { dtype: "float32" });
      await writeSafetensors(join(folder, OPTIMIZER_FILE), trainer.stateTensors());
    },
    async restore(checkpoint, updates) {
      await restoreWeights(model, join(checkpoint, "critic", "model"));
      await restoreMoments(trainer, checkpoint, updates);
    },
  };
}

function sharedCritic(recipe: Recipe, settings: CriticSettings, model: ActorCritic, warmUp: ValueTrainer | undefined): Critic {
  return {
    valuesOf: (sequences, emit) => valuesOf(model, sequences, recipe, emit),
    trainerIn: (step) =>
      warmUp === undefined || step > settings.warmup_steps ? undefined : { trainer: warmUp, learningRate: recipe.optimizer.learning_rate },
    get updates() {
      return warmUp?.updates ?? 0;
    },
    async save(checkpoint) {
      const folder = join(checkpoint, "critic");
      await mkdir(folder);
      await writeSafetensors(join(folder, HEAD_FILE), valueHeadTensors(model));
      if (warmUp !== undefined) await writeSafetensors(join(folder, OPTIMIZER_FILE), warmUp.stateTensors());
    },
    async restore(checkpoint, updates) {
      const head = await openSafetensors(join(checkpoint, "critic", HEAD_FILE));
      await restoreValueHead(model, head).finally(() => head.close());
      if (warmUp !== undefined) await restoreMoments(warmUp, checkpoint, updates);
    },
  };
}

async function restoreMoments(trainer: ValueTrainer, checkpoint: string, updates: number): Promise<void> {
  const moments = await openSafetensors(join(checkpoint, "critic", OPTIMIZER_FILE));
  await trainer.restore(moments, updates).finally(() => moments.close());
}

async function valuesOf(
  model: ScalarModel | ActorCritic,
  sequences: readonly Int32Array[],
  recipe: Recipe,
  emit: EmitEvent,
): Promise<Float32Array[]> {
  const after = await tokenScalars(model, sequences, {
    batchTokens: recipe.loss.micro_batch_tokens,
    onProgress: ({ done, total }) => emit({ type: "phase", phase: "values", completed: done, total, unit: "responses" }),
  });
  return after.map((scalars) => {
    const values = new Float32Array(scalars.length);
    values.set(scalars.subarray(0, -1), 1);
    return values;
  });
}
