// What a run begins with: model, tokenizer, prompts, its folder. Whatever cannot work fails here, before the folder exists.

import { join } from "node:path";
import { ConfigError } from "@longcot/errors";
import { countParameters } from "@longcot/language-model";
import type { Engine } from "@longcot/tensor-kernels";
import packageJson from "../../package.json" with { type: "json" };
import { writeArithmeticDataset } from "../arithmetic/index.ts";
import type { TrainingJob } from "../cli/train.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { RunFolder } from "../run/run-folder.ts";
import { countProblems, levelsOf } from "./generated-problems.ts";
import { placeOf } from "./place-of.ts";
import { createPreparedModel, loadPreparedModel } from "./prepare-model.ts";
import type { PreparedModel } from "./prepare-model.ts";
import { openReplay } from "./replay.ts";
import type { Replay } from "./replay.ts";
import { loadPrompts } from "./run-inputs.ts";
import type { RunInputs, RunPrompts } from "./run-inputs.ts";
import { checkStagesHavePrompts } from "./stage-prompts.ts";

export interface PreparedRun {
  run: RunFolder;
  prepared: PreparedModel;
  prompts: RunPrompts;
  /** The parquet file of worked solutions; undefined: the recipe has no cold start. */
  workedSolutions: string | undefined;
  /** Undefined: the run generates its responses. */
  replay: Replay | undefined;
}

/** @throws ConfigError, DataError in one line for what does not fit together; nothing is left behind then. */
export async function prepareRun(
  engine: Engine,
  { files, prompts: known }: RunInputs,
  { recipe, openRun, emit }: Pick<TrainingJob, "recipe" | "openRun" | "emit">,
): Promise<PreparedRun> {
  const loaded = files === undefined ? undefined : await loadPreparedModel(engine, files, recipe);
  const counts = recipe.data.generate === undefined ? undefined : countProblems(recipe, recipe.data.generate, emit);
  if (known !== undefined) checkStagesHavePrompts(recipe, levelsIn(known));
  if (counts !== undefined) checkStagesHavePrompts(recipe, levelsOf(counts.trainPerLevel));
  const replay = await openReplay(recipe, emit);
  if (replay !== undefined && replay.steps > 0 && known !== undefined && loaded !== undefined)
    await replay.reader(known.train, loaded.model.config.vocabSize)(1, placeOf(recipe, 0).stage, []);

  const run = await openRun();
  const prepared =
    loaded ?? (await createPreparedModel(engine, newModelShape(recipe), { folder: join(run.dataFolder, "tokenizer"), seed: recipe.seed }));
  const generated =
    counts === undefined ? undefined : await writeArithmeticDataset({ folder: run.dataFolder, seed: recipe.seed, ...counts });
  const prompts = known ?? (await loadPrompts(recipe, prepared.tokenizer, emit, generated));
  checkStagesHavePrompts(recipe, levelsIn(prompts));
  describeRun(run, engine, prepared, { recipe, emit });
  return { run, prepared, prompts, workedSolutions: generated?.coldStart, replay };
}

const levelsIn = ({ train }: RunPrompts): (number | undefined)[] => train.map(({ row }) => row.level);

function newModelShape({ name, model }: Recipe): Exclude<Recipe["model"], string> {
  if (typeof model === "string")
    throw new ConfigError({ who: name, argument: "model", expected: "internal: the shape of a new model", received: model });
  return model;
}

function describeRun(
  run: RunFolder,
  engine: Engine,
  { model }: PreparedModel,
  { recipe, emit }: Pick<TrainingJob, "recipe" | "emit">,
): void {
  const [name, device] = engine.description.split(", ") as [string, string?];
  const facts = { engine: name, device: device ?? "", parameters: countParameters(model) };
  run.writeEnvironment({
    longcot_version: packageJson.version,
    node_version: process.version,
    platform: `${process.platform}-${process.arch}`,
    ...facts,
  });
  emit({ type: "run", recipe: recipe.name, folder: run.path, ...facts, resumed_from: run.checkpoint?.step ?? 0 });
}
