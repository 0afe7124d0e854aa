// A run as it lies on disk, opened for reading only: no lock is held, nothing is changed, so that it may be training or have crashed.
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { loadTokenizer } from "@longcot/language-model";
import type { Tokenizer } from "@longcot/language-model";
import { DataError } from "@longcot/errors";
import { tryLock, unlock } from "fs-native-extensions";
import { totalSteps } from "../recipe/load-recipe.ts";
import type { Recipe } from "../recipe/schema.ts";
import { checkpointName, listCheckpointSteps } from "../run/checkpoints.ts";
import { readRecords } from "../run/records.ts";
import { listRolloutSteps } from "../run/rollout-store.ts";
import { readRunRecipe } from "../run/run-folder.ts";
import { settleStages } from "../training/plateau.ts";

export interface OpenRun {
  path: string;
  recipe: Recipe;
  /** `running` while a process trains it; `stopped` before its last step was done. */
  status: "running" | "stopped" | "finished";
  /** Steps that have their line in metrics.jsonl. */
  stepsDone: number;
  totalSteps: number;
  /** Steps with a rollout file, rising. */
  rolloutSteps: number[];
}

/** Opens the run at `path`. @throws ConfigError where there is none. */
export function openRun(path: string): OpenRun {
  const recipe = readRunRecipe(path);
  const { metrics, evaluations } = readRecords(path);
  const stepsDone = metrics.length;
  const total = totalSteps(settleStages(recipe, evaluations));
  return {
    path,
    recipe,
    status: isLocked(path) ? "running" : stepsDone >= total ? "finished" : "stopped",
    stepsDone,
    totalSteps: total,
    rolloutSteps: listRolloutSteps(path),
  };
}

/** The run's tokenizer: of its newest checkpoint, of the generated task, or of the model it began with. @throws DataError where there is none. */
export async function openTokenizer({ path, recipe }: OpenRun): Promise<Tokenizer> {
  const checkpoints = listCheckpointSteps(join(path, "checkpoints")).toReversed();
  const folders = [
    ...checkpoints.map((step) => join(path, "checkpoints", checkpointName(step), "model")),
    join(path, "data", "tokenizer"),
    ...(typeof recipe.model === "string" ? [recipe.model] : []),
  ];
  const found = folders.find((folder) => existsSync(join(folder, "tokenizer.json")));
  if (found === undefined)
    throw new DataError({ who: "inspect", argument: path, expected: "a tokenizer in the run or its model", received: "none" });
  return await loadTokenizer(found);
}

function isLocked(run: string): boolean {
  const file = join(run, ".lock");
  if (!existsSync(file)) return false;
  const fd = openSync(file, "r");
  try {
    if (!tryLock(fd, { shared: true })) return true;
    unlock(fd);
    return false;
  } finally {
    closeSync(fd);
  }
}
