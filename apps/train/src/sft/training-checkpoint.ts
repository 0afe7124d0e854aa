// What a checkpoint of a training in a folder holds: weights, the optimizer's moments, and a state that says which plan they belong to.
import { join } from "node:path";
import { ConfigError } from "@longcot/errors";
import { openSafetensors, restoreWeights, writeSafetensors } from "@longcot/language-model";
import type { LanguageModel, ScalarModel, Trainer } from "@longcot/language-model";
import type { SftFolder } from "./sft-folder.ts";

/** What every such state has. */
export interface TrainingState {
  /** The optimizer's. */
  updates: number;
  /** Hash of the data in their order: a training does not go on with others. */
  plan: string;
}

type OptimizerState = Pick<Trainer<never, never>, "updates" | "stateTensors" | "restore">;

const OPTIMIZER_FILE = "optimizer.safetensors";

/**
 * Puts model and optimizer back to the folder's checkpoint; undefined where it has none.
 * @throws ConfigError where that was made under another `plan`, which is one of `what` (`the examples`).
 */
export async function restoreTraining<State extends TrainingState>(
  { path, checkpoint }: Pick<SftFolder, "path" | "checkpoint">,
  { model, trainer }: { model: LanguageModel | ScalarModel; trainer: OptimizerState },
  { plan, what }: { plan: string; what: string },
): Promise<{ step: number; state: State } | undefined> {
  if (checkpoint === undefined) return undefined;
  const state = checkpoint.state as State;
  if (state.plan !== plan)
    throw new ConfigError({ who: path, argument: what, expected: "those that the training was started with", received: "others" });
  await restoreWeights(model, join(checkpoint.folder, "model"));
  const moments = await openSafetensors(join(checkpoint.folder, OPTIMIZER_FILE));
  await trainer.restore(moments, state.updates).finally(() => moments.close());
  return { step: checkpoint.step, state };
}

/** Saves the checkpoint of `step`: what `saveModel` writes into a folder, the optimizer's moments, and `state`. */
export async function saveTraining(
  folder: SftFolder,
  step: number,
  { trainer, saveModel, state }: { trainer: OptimizerState; saveModel: (directory: string) => Promise<unknown>; state: TrainingState },
): Promise<void> {
  await folder.saveCheckpoint(step, async (aside) => {
    await saveModel(join(aside, "model"));
    await writeSafetensors(join(aside, OPTIMIZER_FILE), trainer.stateTensors());
    return state;
  });
}

/** Steps of a warm-up given as steps, or below 1 as a share of all. */
export const warmupSteps = (warmup: number, steps: number): number => Math.round(warmup < 1 ? warmup * steps : warmup);
