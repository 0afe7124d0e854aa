// What a run learns and must not lose: policy and critic with their optimizers, the controllers of entropy and KL; saved and restored as one.

import { join } from "node:path";
import { createEntropyController, raisedController } from "@longcot/entropy-dynamics";
import type { RaisedController } from "@longcot/entropy-dynamics";
import { openSafetensors, restoreWeights, saveAdapter, saveLanguageModel, writeSafetensors } from "@longcot/language-model";
import type { KlController } from "@longcot/ppo-loss";
import type { Engine } from "@longcot/tensor-kernels";
import type { Recipe } from "../recipe/schema.ts";
import type { Checkpoint } from "../run/checkpoints.ts";
import type { RunFolder } from "../run/run-folder.ts";
import { openTrainers } from "./critic.ts";
import type { Critic } from "./critic.ts";
import type { PreparedModel } from "./prepare-model.ts";
import { klControllerOf, openReference } from "./reference.ts";
import type { Reference } from "./reference.ts";
import type { PolicyTrainer } from "./update.ts";

export interface Learner {
  readonly trainer: PolicyTrainer;
  /** Undefined: the recipe has none. */
  readonly critic: Critic | undefined;
  readonly controller: RaisedController;
  /** What KL is measured against, and its coefficient; undefined: the recipe has no KL. */
  readonly reference: Reference | undefined;
  readonly klController: KlController | undefined;
  /** Times that an alarm has sent the run back. */
  rollBacks: number;
  /** What a checkpoint remembers beside weights and moments; `isEvaluated` is false where the evaluation due then is still to come. */
  state(isEvaluated: boolean): LearnerState;
  /** Fills the folder of a checkpoint: model/, optimizer.safetensors, critic/. */
  save(folder: string): Promise<void>;
  /** Becomes what it was at `checkpoint`. */
  restore(checkpoint: Checkpoint): Promise<void>;
}

export interface LearnerState {
  updates: number;
  /** Of the critic by itself; absent: the recipe has none. */
  critic_updates?: number;
  controller: ReturnType<RaisedController["state"]>;
  /** β of KL in the reward; absent: the recipe has no KL. */
  kl_coefficient?: number;
  /** Roll-backs so far; absent: none. */
  roll_backs?: number;
  /** The run was stopped during the evaluation of this step: it comes first when the run goes on. */
  evaluation_due?: true;
}

/** A learner that begins with the weights of `prepared` as they are. */
export async function openLearner(engine: Engine, recipe: Recipe, prepared: PreparedModel, run: RunFolder): Promise<Learner> {
  const { model } = prepared;
  const reference = await openReference(engine, recipe, prepared, { run: run.path, isNew: run.checkpoint === undefined });
  const { trainer, critic } = await openTrainers(recipe, prepared, reference?.model);
  const controller = raisedController(createEntropyController(controllerOptions(recipe)));
  let klController = recipe.kl && klControllerOf(recipe.kl);
  const learner: Learner = {
    trainer,
    critic,
    controller,
    reference,
    get klController() {
      return klController;
    },
    rollBacks: 0,
    state(isEvaluated) {
      return {
        updates: trainer.updates,
        ...(critic === undefined ? {} : { critic_updates: critic.updates }),
        controller: controller.state(),
        ...(klController === undefined ? {} : { kl_coefficient: klController.coefficient }),
        ...(learner.rollBacks === 0 ? {} : { roll_backs: learner.rollBacks }),
        ...(isEvaluated ? {} : { evaluation_due: true }),
      };
    },
    async save(folder) {
      const save = model.lora === undefined ? saveLanguageModel : saveAdapter;
      await save(model, join(folder, "model"), { dtype: "float32" });
      await writeSafetensors(join(folder, "optimizer.safetensors"), trainer.stateTensors());
      await critic?.save(folder);
    },
    async restore({ folder, state }) {
      const saved = state as LearnerState;
      await restoreWeights(model, join(folder, "model"));
      const moments = await openSafetensors(join(folder, "optimizer.safetensors"));
      await trainer.restore(moments, saved.updates).finally(() => moments.close());
      await critic?.restore(folder, saved.critic_updates ?? 0);
      controller.restore(saved.controller);
      klController = recipe.kl && klControllerOf(recipe.kl, saved.kl_coefficient);
      learner.rollBacks = saved.roll_backs ?? 0;
    },
  };
  return learner;
}

function controllerOptions({ entropy }: Recipe): Parameters<typeof createEntropyController>[0] {
  switch (entropy.controller) {
    case "none":
      return { kind: "none" };
    case "constant":
      return { kind: "constant", coefficient: entropy.coefficient };
    case "pi": {
      const { controller: kind, ...options } = entropy;
      return { kind, ...options };
    }
    case "adaptive": {
      const { controller: _, max, ...options } = entropy;
      return { kind: "adaptive", ...options, ...(max === undefined ? {} : { max }) };
    }
  }
}
