// `longcot train`: a recipe and a run folder, handed to the training loop.
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "@longcot/errors";
import type { EmitEvent, MemoryPlanEvent } from "../events.ts";
import { createProgress } from "../progress/create-progress.ts";
import { memoryPlanTable } from "../progress/memory-plan-lines.ts";
import { loadRecipe, presetNames } from "../recipe/load-recipe.ts";
import type { LoadedRecipe } from "../recipe/load-recipe.ts";
import type { Recipe } from "../recipe/schema.ts";
import { RECIPE_FILE } from "../run/records.ts";
import { onlineFilterSummary } from "../training/pass-rates.ts";
import { checkRunPath, createRunFolder, defaultRunPath, findNewestRun, openRunFolder, readRunRecipe } from "../run/run-folder.ts";
import type { RunFolder } from "../run/run-folder.ts";
import { listenForInterrupt } from "./interrupt.ts";
import type { AddCommand } from "./run-cli.ts";

/** What the command hands to the training loop. */
export interface TrainingJob {
  recipe: Recipe;
  /**
   * Makes the run's folder (or opens it, cut back to `run.checkpoint`) and locks it. The loop calls it once, after it has checked
   * model, tokenizer and data: a run that cannot start must leave nothing behind. The command closes the folder.
   */
  openRun: () => Promise<RunFolder>;
  /** Aborted by Ctrl-C: the loop saves a checkpoint at the next safe point and returns `interrupted`. */
  signal: AbortSignal;
  emit: EmitEvent;
}

export type RunTraining = (job: TrainingJob) => Promise<"completed" | "interrupted" | "stopped">;
/** Writes report/index.html of a run's folder and returns its path. */
export type WriteReport = (runFolder: string) => Promise<string>;
/** The memory plan of a recipe, and `check`, which throws where it does not fit. */
export type PlanTraining = (recipe: Recipe, emit: EmitEvent) => Promise<{ plan: MemoryPlanEvent; check: () => void }>;

interface TrainFlags {
  recipe?: string;
  run?: string;
  resume?: true;
  fromLastGoodStep?: true;
  replay?: string;
  plan?: true;
  set?: string[];
  json?: true;
}

/** Exit code of a run that an alarm of its recipe stopped: it is whole, but not what was asked for. */
const STOPPED_BY_ALARM = 3;

const DEFAULT_RECIPE = "quickstart";

interface TrainingParts {
  runTraining: RunTraining;
  writeReport: WriteReport;
  planTraining: PlanTraining;
}

/** Adds the command; `runTraining` and `writeReport` are loaded by the caller when they are first needed. */
export function trainCommand({ runTraining, writeReport, planTraining }: TrainingParts): AddCommand {
  return (program) => {
    program
      .command("train")
      .description("Train a model by a recipe: cold start, stages of reinforcement learning, evaluation, report.")
      .option("--recipe <file|name>", `a YAML file, or one of ${presetNames().join(", ")} (default: ${DEFAULT_RECIPE})`)
      .option("--run <dir>", "the run's folder (default: a new one in runs/; with --resume the newest there)")
      .option("--resume", "go on with a run where its newest checkpoint left it")
      .option("--from-last-good-step", "with --resume: go back before damaged rollouts, and generate again from there")
      .option(
        "--replay <run>",
        "train on the stored rollouts of that run instead of generating: grading, advantages and updates again, by its recipe unless --recipe names another",
      )
      .option(
        "--set <key=value>",
        "override a recipe's key, as often as needed; the value is YAML",
        (text: string, all: string[] | undefined) => [...(all ?? []), text],
      )
      .option("--plan", "print how much memory the run will take, part by part, and train nothing; exits with 1 where it cannot fit")
      .option("--json", "print events as JSON lines on stdout instead of progress")
      .addHelpText(
        "after",
        "\nExamples:\n  longcot train\n  longcot train --recipe finetune --set model=DIR --set data.train=rows.parquet\n  longcot train --recipe quickstart --set seed=2 --run runs/second\n  longcot train --resume --run runs/second\n  longcot train --replay runs/second --set loss.clip_high=0.28 --run runs/second-higher\n  longcot train --plan --recipe finetune --set model=DIR --set data.train=rows.parquet",
      )
      .action(async (flags: TrainFlags) => {
        if (flags.plan === true) return await printPlan(flags, planTraining);
        const plan = flags.resume === true ? planResume(flags) : planNew(flags);
        await train(plan, flags.json === true, { runTraining, writeReport });
      });
  };
}

async function printPlan(flags: TrainFlags, planTraining: PlanTraining): Promise<void> {
  const { recipe } = flags.resume === true ? planResume(flags) : recipeOfNew(flags);
  const { plan, check } = await planTraining(recipe, ({ type, ...event }) => {
    if (type === "warning" && "text" in event) process.stderr.write(`warning: ${event.text}\n`);
  });
  process.stdout.write(flags.json === true ? `${JSON.stringify(plan)}\n` : `${memoryPlanTable(plan).join("\n")}\n`);
  check();
}

interface Plan {
  recipe: Recipe;
  path: string;
  notices: string[];
  /** Of a run that is there already: opened before all else, so that what refuses it is said first. */
  isThere: boolean;
  open: () => Promise<{ run: RunFolder; warnings: string[] }>;
}

function planNew(flags: TrainFlags): Plan {
  if (flags.fromLastGoodStep === true)
    throw new ConfigError({ who: "train", argument: "--from-last-good-step", expected: "used with --resume", received: "a new run" });
  const { recipe, notices } = recipeOfNew(flags);
  const path = flags.run ?? defaultRunPath(recipe);
  checkRunPath(path);
  return { recipe, path, notices, isThere: false, open: async () => ({ run: await createRunFolder(path, recipe), warnings: [] }) };
}

function recipeOfNew(flags: TrainFlags): LoadedRecipe {
  return flags.replay === undefined
    ? loadRecipe({ source: flags.recipe ?? DEFAULT_RECIPE, sets: flags.set ?? [] })
    : loadReplayRecipe(flags.replay, flags);
}

/** The recipe of a replay: the run's own, or `--recipe`, with the run as the place where rollouts come from. */
function loadReplayRecipe(run: string, { recipe, set = [] }: TrainFlags): LoadedRecipe {
  readRunRecipe(run, "--replay");
  return loadRecipe({ source: recipe ?? resolve(run, RECIPE_FILE), sets: [`rollout.replay.run=${JSON.stringify(resolve(run))}`, ...set] });
}

function planResume(flags: TrainFlags): Plan {
  if (flags.replay !== undefined)
    throw new ConfigError({
      who: "train",
      argument: "--replay",
      expected: "left out with --resume, which goes on with a replay by its --run",
      received: flags.replay,
    });
  const path = flags.run ?? findNewestRun();
  const recipe = readRunRecipe(path);
  const asked =
    flags.recipe !== undefined || flags.set !== undefined
      ? loadRecipe({ source: flags.recipe ?? DEFAULT_RECIPE, sets: flags.set ?? [] }).recipe
      : recipe;
  const changed = Object.keys({ ...recipe, ...asked }).find(
    (key) => !isDeepStrictEqual(recipe[key as keyof Recipe], asked[key as keyof Recipe]),
  );
  if (changed !== undefined) {
    throw new ConfigError({
      who: "--resume",
      argument: changed,
      expected: `as in the recipe of ${path}`,
      received: "another value",
      fix: "Leave out --recipe and --set, or start a new run",
    });
  }
  const open = async () => openRunFolder(path, { fromLastGoodStep: flags.fromLastGoodStep === true });
  return { recipe, path, notices: [], isThere: true, open };
}

async function train(
  plan: Plan,
  json: boolean,
  { runTraining, writeReport }: Pick<TrainingParts, "runTraining" | "writeReport">,
): Promise<void> {
  const progress = createProgress(json ? "json" : process.stdout.isTTY ? "panel" : "lines", process.stdout);
  const interrupt = listenForInterrupt(() =>
    progress.emit({ type: "notice", text: "stopping at the next safe point and saving; Ctrl-C again ends at once" }),
  );
  const opened: RunFolder[] = [];
  try {
    for (const text of plan.notices) progress.emit({ type: "notice", text });
    const openRun = async () => {
      const { run, warnings } = await plan.open();
      opened.push(run);
      for (const text of warnings) progress.emit({ type: "warning", text });
      return run;
    };
    const there = plan.isThere ? await openRun() : undefined;
    const status = await runTraining({
      recipe: plan.recipe,
      openRun: async () => there ?? (await openRun()),
      signal: interrupt.signal,
      emit: progress.emit,
    });
    if (opened.length === 0) progress.emit({ type: "notice", text: "stopped before the run began; nothing was written" });
    else {
      const filtered = onlineFilterSummary(opened[0]!.readMetrics()).map(({ stage, prompts, dropped }) => ({
        stage: plan.recipe.stages[stage - 1]!.name,
        prompts,
        dropped,
      }));
      const summary = filtered.length === 0 ? {} : { online_filter: filtered };
      progress.emit({ type: "done", status, folder: plan.path, report: await writeReport(plan.path), ...summary });
    }
    if (status === "interrupted") process.exitCode = interrupt.exitCode();
    if (status === "stopped") process.exitCode = STOPPED_BY_ALARM;
  } finally {
    interrupt.dispose();
    for (const run of opened) run.close();
    progress.close();
  }
}
