// A whole run, top to bottom: model, data, cold start, stages of reinforcement learning with evaluation and checkpoints.
//   longcot train --recipe quickstart

import { join } from "node:path";
import { dropSolvedPrompts } from "@longcot/data-filter";
import type { OnlineFiltered } from "@longcot/data-filter";
import type { EntropyAlarm } from "@longcot/entropy-dynamics";
import { createEntropyController, raisedController } from "@longcot/entropy-dynamics";
import {
  countParameters,
  openSafetensors,
  restoreWeights,
  saveAdapter,
  saveLanguageModel,
  writeSafetensors,
} from "@longcot/language-model";
import { openEngine } from "@longcot/tensor-kernels";
import type { Engine } from "@longcot/tensor-kernels";
import { ConfigError } from "@longcot/errors";
import packageJson from "../../package.json" with { type: "json" };
import { problemsAvailable, writeArithmeticDataset } from "../arithmetic/index.ts";
import type { Level, LevelCounts, Split } from "../arithmetic/index.ts";
import type { TrainingJob } from "../cli/train.ts";
import type { Metrics } from "../events.ts";
import { thinkingOf } from "../models/prompt-tokens.ts";
import { totalSteps } from "../recipe/load-recipe.ts";
import type { ColdStart, GeneratedData, Recipe, Stage } from "../recipe/schema.ts";
import type { Checkpoint } from "../run/checkpoints.ts";
import type { RunFolder } from "../run/run-folder.ts";
import { alarmName, alphaShift, createAlarmWatch } from "./alarm-watch.ts";
import { coldStart } from "./cold-start.ts";
import { openTrainers } from "./critic.ts";
import { evaluate, evaluationSettings } from "./evaluate.ts";
import { checkMemoryFits } from "./memory-plan.ts";
import { placeOf } from "./place-of.ts";
import { settleStages } from "./plateau.ts";
import { createPreparedModel, loadPreparedModel } from "./prepare-model.ts";
import { openVerifierPool } from "./verifier-pool.ts";
import { drawMorePrompts, drawPrompts } from "./prompts.ts";
import type { TrainingPrompt } from "./prompts.ts";
import { klControllerOf, openReference } from "./reference.ts";
import { openReplay } from "./replay.ts";
import { openRewardSources } from "./reward-sources.ts";
import { loadPrompts, readRunInputs } from "./run-inputs.ts";
import { trainStep } from "./train-step.ts";

/** What a checkpoint's state.json holds beside weights and moments. */
interface LoopState {
  updates: number;
  /** Of the critic by itself; absent: the recipe has none. */
  critic_updates?: number;
  controller: ReturnType<ReturnType<typeof createEntropyController>["state"]>;
  /** β of KL in the reward; absent: the recipe has no KL. */
  kl_coefficient?: number;
  /** Roll-backs so far; absent: none. */
  roll_backs?: number;
  /** The run was stopped during the evaluation of this step: it comes first when the run goes on. */
  evaluation_due?: true;
}

/** The stage that is trained now, and what it draws from: those of its prompts that the online filter left. */
interface StagePrompts extends OnlineFiltered<TrainingPrompt> {
  index: number;
  all: readonly TrainingPrompt[];
  isWanted: (prompt: TrainingPrompt) => boolean;
}

/** `interrupted`: by the signal; `stopped`: by an alarm of the recipe, after an evaluation and a checkpoint. */
export type RunEnd = "completed" | "interrupted" | "stopped";

/** Runs `job` to its end, or to the next safe point after its signal. */
export async function runTraining({ recipe, openRun, signal, emit }: TrainingJob): Promise<RunEnd> {
  const inputs = await readRunInputs(recipe, emit);
  emit(inputs.plan);
  checkMemoryFits(recipe, inputs.planInputs, inputs.plan);
  const engine = await openEngine({
    engine: recipe.engine.kind,
    ...(recipe.engine.threads === undefined ? {} : { threads: recipe.engine.threads }),
  });
  try {
    // --- model and data: whatever cannot work fails here, before the run's folder exists ---------------------------------------------
    const { files } = inputs;
    let prepared = files === undefined ? undefined : await loadPreparedModel(engine, files, recipe);
    let data = inputs.prompts;
    const counts = recipe.data.generate === undefined ? undefined : countProblems(recipe, recipe.data.generate, emit);
    if (data !== undefined)
      checkStagesHavePrompts(
        recipe,
        data.train.map(({ row }) => row.level),
      );
    if (counts !== undefined) checkStagesHavePrompts(recipe, levelsOf(counts.trainPerLevel));
    const replay = await openReplay(recipe, emit);
    if (replay !== undefined && replay.steps > 0 && data !== undefined && prepared !== undefined)
      await replay.reader(data.train, prepared.model.config.vocabSize)(1, placeOf(recipe, 0).stage, []);
    const run = await openRun();
    const checkpoint = run.checkpoint;
    prepared ??= await createPreparedModel(engine, newModelShape(recipe), { folder: join(run.dataFolder, "tokenizer"), seed: recipe.seed });
    const generated =
      counts === undefined ? undefined : await writeArithmeticDataset({ folder: run.dataFolder, seed: recipe.seed, ...counts });
    data ??= await loadPrompts(recipe, prepared.tokenizer, emit, generated);
    const { model, tokenizer } = prepared;
    const prompts = data;
    checkStagesHavePrompts(
      recipe,
      prompts.train.map(({ row }) => row.level),
    );
    describeRun(run, recipe, engine, countParameters(model), emit);

    await using pool = await openVerifierPool(recipe.verifier, {
      thinking: thinkingOf(tokenizer),
      prompts: [...prompts.train, ...prompts.heldOut],
      emit,
    });
    await using rewardSources = await openRewardSources(engine, recipe, { thinking: thinkingOf(tokenizer) });
    /** Evaluates after `step`, if the recipe wants it then; returns false where the signal came first, and nothing is recorded. */
    const evaluateAfter = async (step: number, isLast: boolean): Promise<boolean> => {
      const isDue = isLast || step === 0 || (recipe.evaluation.every !== undefined && step % recipe.evaluation.every === 0);
      if (!isDue || prompts.heldOut.length === 0) return true;
      const label = isLast ? "final" : step > 0 ? `step ${step}` : recipe.cold_start === undefined ? "start" : "cold start";
      const evaluation = await evaluate(prepared, pool, prompts.heldOut, evaluationSettings(recipe), { label, step, signal, emit }).catch(
        unlessStopped,
      );
      if (evaluation === undefined) return false;
      emit(evaluation);
      const { type: _, ...record } = evaluation;
      run.appendEvaluation(record);
      noticePlateau(step);
      return true;
    };
    /** Says, after the evaluation of `step`, whether it has ended its stage. */
    const noticePlateau = (step: number): void => {
      const before = total;
      ({ schedule, total } = scheduleSoFar());
      if (total === before) return;
      const { index, stage, draw } = placeOf(schedule, step - 1);
      const wait = stage.plateau!.evaluations;
      const why = wait === 1 ? "its last evaluation" : `${wait} evaluations in a row`;
      emit({
        type: "notice",
        text: `stage ${stage.name} ends after ${draw + 1} of ${recipe.stages[index]!.steps} steps: ${why} brought no new best`,
      });
    };
    /** Takes the rejection that the signal causes for an end without a result; passes on every other one. */
    const unlessStopped = (error: unknown): undefined => {
      if (!signal.aborted || error !== signal.reason) throw error;
    };

    /** The stages and steps as they are so far: a plateau ends a stage early. A replay has those of its run. */
    const scheduleSoFar = (): { schedule: Recipe; total: number } => {
      if (replay !== undefined) return { schedule: replay.schedule, total: replay.steps };
      const settled = settleStages(recipe, run.readEvaluations());
      return { schedule: settled, total: totalSteps(settled) };
    };
    let { schedule, total } = scheduleSoFar();

    // --- cold start -----------------------------------------------------------------------------------------------------------------
    const cold = recipe.cold_start;
    if (checkpoint === undefined && cold !== undefined && generated?.coldStart !== undefined) {
      await coldStart(prepared, generated.coldStart, { ...recipe, cold_start: cold }, { emit, signal });
      if (signal.aborted) return "interrupted";
    }

    // --- reinforcement learning -----------------------------------------------------------------------------------------------------
    const { trainer, critic } = await openTrainers(recipe, prepared);
    const reference = await openReference(engine, recipe, prepared, { run: run.path, isNew: checkpoint === undefined });
    let klController = recipe.kl && klControllerOf(recipe.kl);
    const controller = raisedController(createEntropyController(controllerOptions(recipe)));
    let rollBacks = 0;
    const loopState = (isEvaluated: boolean): LoopState => ({
      updates: trainer.updates,
      ...(critic === undefined ? {} : { critic_updates: critic.updates }),
      controller: controller.state(),
      ...(klController === undefined ? {} : { kl_coefficient: klController.coefficient }),
      ...(rollBacks === 0 ? {} : { roll_backs: rollBacks }),
      ...(isEvaluated ? {} : { evaluation_due: true }),
    });
    const restore = async (saved: Checkpoint): Promise<void> => {
      const state = saved.state as LoopState;
      await restoreWeights(model, join(saved.folder, "model"));
      const moments = await openSafetensors(join(saved.folder, "optimizer.safetensors"));
      await trainer.restore(moments, state.updates).finally(() => moments.close());
      await critic?.restore(saved.folder, state.critic_updates ?? 0);
      controller.restore(state.controller);
      klController = recipe.kl && klControllerOf(recipe.kl, state.kl_coefficient);
      rollBacks = state.roll_backs ?? 0;
    };
    const saveCheckpoint = async (step: number, isEvaluated = true): Promise<void> => {
      emit({ type: "phase", phase: "checkpoint", completed: 0, total: 1, unit: "checkpoints" });
      await run.saveCheckpoint(step, async (folder) => {
        const save = model.lora === undefined ? saveLanguageModel : saveAdapter;
        await save(model, join(folder, "model"), { dtype: "float32" });
        await writeSafetensors(join(folder, "optimizer.safetensors"), trainer.stateTensors());
        await critic?.save(folder);
        return loopState(isEvaluated);
      });
    };
    if (checkpoint === undefined) {
      const isEvaluated = await evaluateAfter(0, total === 0);
      await saveCheckpoint(0, isEvaluated);
      if (!isEvaluated) return "interrupted";
    } else {
      await restore(checkpoint);
      if ((checkpoint.state as LoopState).evaluation_due === true) {
        if (!(await evaluateAfter(checkpoint.step, checkpoint.step === total))) return "interrupted";
        run.amendCheckpoint(checkpoint.step, loopState(true));
      }
    }

    const replayed = replay === undefined ? {} : { replay: replay.reader(prompts.train, model.config.vocabSize) };
    const context = {
      recipe,
      prepared,
      trainer,
      ...(critic && { critic }),
      controller,
      ...(reference && { reference }),
      pool,
      rewardSources,
      rolloutStore: run.rollouts,
      ...replayed,
      signal,
      emit,
    };
    let watch = createAlarmWatch(recipe, run.readMetrics());
    let step = checkpoint?.step ?? 0;
    let current: StagePrompts | undefined;
    while (step < total) {
      const { index, stage, draw } = placeOf(schedule, step);
      if (index !== current?.index) {
        current = promptsOfStage(index, stage);
        const filtered = recipe.online_filter !== undefined && index > 0 ? { dropped: current.dropped } : {};
        const numbers = { index: index + 1, count: recipe.stages.length, steps: stage.steps, prompts: current.prompts.length };
        emit({ type: "stage", ...numbers, name: stage.name, ...filtered });
        if (current.stayed > 0)
          emit({
            type: "warning",
            text: `stage ${stage.name}: ${current.stayed} solved prompts stay, so that a step has its ${stage.batch_size}`,
          });
      }
      if (signal.aborted) {
        await saveCheckpoint(step);
        return "interrupted";
      }
      const { all, isWanted } = current;
      const drawn = drawPrompts(all, { count: stage.batch_size, draw, stage: index, seed: recipe.seed, isWanted });
      const plan = {
        step: step + 1,
        stage,
        stageNumber: index + 1,
        prompts: drawn,
        morePrompts: (round: number, taken: readonly TrainingPrompt[]) =>
          drawMorePrompts(all.filter(isWanted), { count: stage.batch_size, taken, seed: recipe.seed, step: plan.step, round }),
      };
      const trained = await trainStep({ ...context, ...(klController && { klController }) }, plan).catch(unlessStopped);
      if (trained === undefined) {
        // Stopped during the rollout, before anything changed: the step is done again on resume.
        await saveCheckpoint(step);
        return "interrupted";
      }
      step++;
      const { samples, passRates } = trained;
      const metrics: Metrics = {
        ...trained.metrics,
        ...(recipe.online_filter === undefined
          ? {}
          : { "online_filter/prompts": current.prompts.length, "online_filter/dropped": current.dropped }),
      };
      run.appendMetrics(step, metrics);
      run.appendSamples(samples);
      run.appendPassRates(passRates);
      emit({ type: "step", step, total_steps: total, stage: stage.name, metrics });

      const alarms = watch.observe(metrics);
      const undone = alarms.find((alarm) => alarm.kind !== "reward_hacking" && alarm.action === "roll_back") as EntropyAlarm | undefined;
      if (undone !== undefined && rollBacks < recipe.alarms.max_roll_backs) {
        step = await rollBack(undone, step);
        ({ schedule, total } = scheduleSoFar());
        current = undefined;
        continue;
      }
      const isStopping = alarms.some(({ action }) => action !== "warn");
      for (const { kind, evidence, action } of alarms) {
        const isStop = action !== "warn";
        run.appendAlarm({ step, kind, evidence, action: isStop ? "stop" : "warn" });
        emit({ type: "warning", text: `${alarmName(kind)}: ${evidence}${isStop ? "; stopping here, as alarms asks" : ""}` });
      }
      const isEvaluated = await evaluateAfter(step, isStopping || step === total);
      if (!isEvaluated || isStopping || step === total || step % recipe.checkpoint.every === 0) await saveCheckpoint(step, isEvaluated);
      if (!isEvaluated) return "interrupted";
      if (isStopping) return "stopped";
    }
    if (checkpoint?.step === total) emit({ type: "notice", text: `nothing left to do: all ${total} steps of this run are done` });
    if (replay?.endsEarly !== undefined) emit({ type: "notice", text: replay.endsEarly });
    return "completed";

    /** The prompts that a stage draws from, by the pass rates of the stages before it. */
    function promptsOfStage(index: number, stage: Stage): StagePrompts {
      const all = prompts.train.filter(({ row }) => isOfStage(stage, row.level));
      if (recipe.online_filter === undefined) return { index, all, isWanted: () => true, prompts: all, dropped: 0, stayed: 0 };
      const before = run.readPassRates().filter((record) => record.stage <= index);
      const steps = before.map(({ prompt_ids, passed, group_size }) => ({ promptIds: prompt_ids, passed, groupSize: group_size }));
      const filtered = dropSolvedPrompts(all, steps, { solvedAt: recipe.online_filter.solved_at, atLeast: stage.batch_size });
      const left = new Set(filtered.prompts);
      return { index, all, isWanted: (prompt) => left.has(prompt), ...filtered };
    }

    /** Goes back to a checkpoint from before the alarm's window, with another α from there on; returns its step. */
    async function rollBack({ kind, evidence }: EntropyAlarm, from: number): Promise<number> {
      const target = run.checkpointBefore(from - recipe.alarms.window);
      await restore(target);
      const shift = alphaShift(recipe, kind);
      controller.raise(shift);
      rollBacks++;
      run.appendAlarm({ step: from, kind, evidence, action: "roll_back", to_step: target.step, alpha_shift: controller.raised });
      run.rollBackTo(target, loopState(true));
      watch = createAlarmWatch(recipe, run.readMetrics());
      emit({
        type: "warning",
        text: `${alarmName(kind)}: ${evidence}; back to step ${target.step}, α ${shift > 0 ? "raised" : "lowered"} by ${Math.abs(shift)} from there on`,
      });
      return target.step;
    }
  } finally {
    await engine.close();
  }
}

function newModelShape({ name, model }: Recipe): Exclude<Recipe["model"], string> {
  if (typeof model === "string")
    throw new ConfigError({ who: name, argument: "model", expected: "internal: the shape of a new model", received: model });
  return model;
}

function isOfStage({ levels }: Stage, level: number | undefined): boolean {
  return levels === undefined || (level !== undefined && levels.includes(level));
}

/** @throws ConfigError where a stage has fewer prompts than a step needs; `levels` holds the level of every prompt. */
function checkStagesHavePrompts(recipe: Recipe, levels: readonly (number | undefined)[]): void {
  for (const [i, stage] of recipe.stages.entries()) {
    const found = levels.filter((level) => isOfStage(stage, level)).length;
    if (found < stage.batch_size) {
      throw new ConfigError({
        who: `recipe ${recipe.name}`,
        argument: `stages.${i}.batch_size`,
        received: String(stage.batch_size),
        expected: `at most ${found}, the number of prompts${stage.levels === undefined ? "" : ` of level ${stage.levels.join(", ")}`} to train on`,
      });
    }
  }
}

/** How many problems to generate. A level that has fewer than asked for gives all. */
function countProblems(recipe: Recipe, options: GeneratedData, emit: TrainingJob["emit"]) {
  const counts = (split: Split, wanted: number, levels: readonly number[]): LevelCounts =>
    Object.fromEntries(
      (levels as readonly Level[]).map((level) => {
        const available = problemsAvailable(recipe.seed, "addition", split, level, wanted);
        if (available < wanted)
          emit({ type: "notice", text: `level ${level} has ${available} ${split} problems, not ${wanted}: all are used` });
        return [level, available];
      }),
    );
  const cold: ColdStart | undefined = recipe.cold_start;
  const coldLevels =
    cold === undefined
      ? []
      : Object.entries(cold.levels)
          .filter(([, weight]) => weight > 0)
          .map(([level]) => Number(level));
  return {
    trainPerLevel: counts("train", options.train_per_level, options.levels),
    heldOutPerLevel: counts("held-out", options.held_out_per_level, options.levels),
    coldStartPerLevel: cold === undefined ? undefined : counts("cold-start", options.cold_start_per_level ?? 0, coldLevels),
  };
}

/** The level of every problem of `counts`. */
function levelsOf(counts: LevelCounts): number[] {
  return Object.entries(counts).flatMap(([level, count]) => Array.from({ length: count }, () => Number(level)));
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

function describeRun(run: RunFolder, recipe: Recipe, engine: Engine, parameters: number, emit: TrainingJob["emit"]): void {
  const [name, device] = engine.description.split(", ") as [string, string?];
  run.writeEnvironment({
    longcot_version: packageJson.version,
    node_version: process.version,
    platform: `${process.platform}-${process.arch}`,
    engine: name,
    device: device ?? "",
    parameters,
  });
  emit({
    type: "run",
    recipe: recipe.name,
    folder: run.path,
    engine: name,
    device: device ?? "",
    parameters,
    resumed_from: run.checkpoint?.step ?? 0,
  });
}
