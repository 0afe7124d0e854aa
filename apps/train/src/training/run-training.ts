// A whole run, top to bottom: model, data, cold start, stages of reinforcement learning with evaluation and checkpoints.
//   longcot train --recipe quickstart

import type { EntropyAlarm } from "@longcot/entropy-dynamics";
import type { Engine } from "@longcot/tensor-kernels";
import type { TrainingJob } from "../cli/train.ts";
import type { Metrics } from "../events.ts";
import { thinkingOf } from "../models/prompt-tokens.ts";
import { alarmName, alphaShift, createAlarmWatch } from "./alarm-watch.ts";
import { coldStart } from "./cold-start.ts";
import { evaluate, evaluationSettings } from "./evaluate.ts";
import { openLearner } from "./learner.ts";
import type { LearnerState } from "./learner.ts";
import { checkMemoryFits } from "./memory-plan.ts";
import { openRecipeEngine } from "./open-recipe-engine.ts";
import { prepareRun } from "./prepare-run.ts";
import type { PreparedRun } from "./prepare-run.ts";
import { drawMorePrompts, drawPrompts } from "./prompts.ts";
import type { TrainingPrompt } from "./prompts.ts";
import { openRewardSources } from "./reward-sources.ts";
import { readRunInputs } from "./run-inputs.ts";
import { createRunSchedule } from "./run-schedule.ts";
import { promptsOfStage } from "./stage-prompts.ts";
import type { StagePrompts } from "./stage-prompts.ts";
import { trainStep } from "./train-step.ts";
import { openVerifierPool } from "./verifier-pool.ts";

/** `interrupted`: by the signal; `stopped`: by an alarm of the recipe, after an evaluation and a checkpoint. */
export type RunEnd = "completed" | "interrupted" | "stopped";

/** Runs `job` to its end, or to the next safe point after its signal. */
export async function runTraining(job: TrainingJob): Promise<RunEnd> {
  const { recipe, emit } = job;
  const inputs = await readRunInputs(recipe, emit);
  emit(inputs.plan);
  checkMemoryFits(recipe, inputs.planInputs, inputs.plan);
  const engine = await openRecipeEngine(recipe.engine);
  try {
    return await train(engine, job, await prepareRun(engine, inputs, job));
  } finally {
    await engine.close();
  }
}

async function train(engine: Engine, { recipe, signal, emit }: TrainingJob, begun: PreparedRun): Promise<RunEnd> {
  const { run, prepared, prompts, workedSolutions, replay } = begun;
  const { checkpoint } = run;
  const thinking = thinkingOf(prepared.tokenizer);
  await using pool = await openVerifierPool(recipe.verifier, { thinking, prompts: [...prompts.train, ...prompts.heldOut], emit });
  await using rewardSources = await openRewardSources(engine, recipe, { thinking });
  const schedule = createRunSchedule(recipe, run, replay);

  // --- cold start -------------------------------------------------------------------------------------------------------------------
  const { cold_start: cold } = recipe;
  if (checkpoint === undefined && cold !== undefined && workedSolutions !== undefined) {
    await coldStart(prepared, workedSolutions, { ...recipe, cold_start: cold }, { emit, signal });
    if (signal.aborted) return "interrupted";
  }

  // --- where it begins, or goes on --------------------------------------------------------------------------------------------------
  const learner = await openLearner(engine, recipe, prepared, run);
  if (checkpoint === undefined) {
    const isEvaluated = await evaluateAfter(0, schedule.total === 0);
    await saveCheckpoint(0, isEvaluated);
    if (!isEvaluated) return "interrupted";
  } else {
    await learner.restore(checkpoint);
    if ((checkpoint.state as LearnerState).evaluation_due === true) {
      if (!(await evaluateAfter(checkpoint.step, checkpoint.step === schedule.total))) return "interrupted";
      run.amendCheckpoint(checkpoint.step, learner.state(true));
    }
  }

  // --- reinforcement learning -------------------------------------------------------------------------------------------------------
  const replayed = replay === undefined ? {} : { replay: replay.reader(prompts.train, prepared.model.config.vocabSize) };
  const context = { recipe, prepared, learner, pool, rewardSources, rolloutStore: run.rollouts, ...replayed, signal, emit };
  let watch = createAlarmWatch(recipe, run.readMetrics());
  let step = checkpoint?.step ?? 0;
  let current: StagePrompts | undefined;
  while (step < schedule.total) {
    const { index, stage, draw } = schedule.placeAfter(step);
    if (index !== current?.index) {
      current = promptsOfStage(recipe, index, prompts.train, run.readPassRates());
      announceStage(current);
    }
    if (signal.aborted) {
      await saveCheckpoint(step);
      return "interrupted";
    }
    const { all, isWanted } = current;
    const plan = {
      step: step + 1,
      stage,
      stageNumber: index + 1,
      prompts: drawPrompts(all, { count: stage.batch_size, draw, stage: index, seed: recipe.seed, isWanted }),
      morePrompts: (round: number, taken: readonly TrainingPrompt[]) =>
        drawMorePrompts(all.filter(isWanted), { count: stage.batch_size, taken, seed: recipe.seed, step: plan.step, round }),
    };
    const trained = await trainStep(context, plan).catch(unlessStopped);
    if (trained === undefined) {
      // Stopped during the rollout, before anything changed: the step is done again on resume.
      await saveCheckpoint(step);
      return "interrupted";
    }
    step++;
    const filtered = { "online_filter/prompts": current.prompts.length, "online_filter/dropped": current.dropped };
    const metrics: Metrics = { ...trained.metrics, ...(recipe.online_filter === undefined ? {} : filtered) };
    run.appendMetrics(step, metrics);
    run.appendSamples(trained.samples);
    run.appendPassRates(trained.passRates);
    emit({ type: "step", step, total_steps: schedule.total, stage: stage.name, metrics });

    const alarms = watch.observe(metrics);
    const undone = alarms.find((alarm) => alarm.kind !== "reward_hacking" && alarm.action === "roll_back") as EntropyAlarm | undefined;
    if (undone !== undefined && learner.rollBacks < recipe.alarms.max_roll_backs) {
      step = await rollBack(undone, step);
      watch = createAlarmWatch(recipe, run.readMetrics());
      current = undefined;
      continue;
    }
    const isStopping = alarms.some(({ action }) => action !== "warn");
    for (const { kind, evidence, action } of alarms) {
      const isStop = action !== "warn";
      run.appendAlarm({ step, kind, evidence, action: isStop ? "stop" : "warn" });
      emit({ type: "warning", text: `${alarmName(kind)}: ${evidence}${isStop ? "; stopping here, as alarms asks" : ""}` });
    }
    const isEvaluated = await evaluateAfter(step, isStopping || step === schedule.total);
    if (!isEvaluated || isStopping || step === schedule.total || step % recipe.checkpoint.every === 0)
      await saveCheckpoint(step, isEvaluated);
    if (!isEvaluated) return "interrupted";
    if (isStopping) return "stopped";
  }
  if (checkpoint?.step === schedule.total) emit({ type: "notice", text: `nothing left to do: all ${step} steps of this run are done` });
  if (replay?.endsEarly !== undefined) emit({ type: "notice", text: replay.endsEarly });
  return "completed";

  /** Evaluates after `step`, if the recipe wants it then; returns false where the signal came first, and nothing is recorded. */
  async function evaluateAfter(step: number, isLast: boolean): Promise<boolean> {
    const isDue = isLast || step === 0 || (recipe.evaluation.every !== undefined && step % recipe.evaluation.every === 0);
    if (!isDue || prompts.heldOut.length === 0) return true;
    const label = isLast ? "final" : step > 0 ? `step ${step}` : cold === undefined ? "start" : "cold start";
    const options = { label, step, signal, emit };
    const evaluation = await evaluate(prepared, pool, prompts.heldOut, evaluationSettings(recipe), options).catch(unlessStopped);
    if (evaluation === undefined) return false;
    emit(evaluation);
    const { type: _, ...record } = evaluation;
    run.appendEvaluation(record);
    schedule.settleAfter(step, emit);
    return true;
  }

  async function saveCheckpoint(step: number, isEvaluated = true): Promise<void> {
    emit({ type: "phase", phase: "checkpoint", completed: 0, total: 1, unit: "checkpoints" });
    await run.saveCheckpoint(step, async (folder) => {
      await learner.save(folder);
      return learner.state(isEvaluated);
    });
  }

  /** Goes back to a checkpoint from before the alarm's window, with another α from there on; returns its step. */
  async function rollBack({ kind, evidence }: EntropyAlarm, from: number): Promise<number> {
    const target = run.checkpointBefore(from - recipe.alarms.window);
    await learner.restore(target);
    const shift = alphaShift(recipe, kind);
    learner.controller.raise(shift);
    learner.rollBacks++;
    const { raised } = learner.controller;
    run.appendAlarm({ step: from, kind, evidence, action: "roll_back", to_step: target.step, alpha_shift: raised });
    run.rollBackTo(target, learner.state(true));
    schedule.settle();
    emit({
      type: "warning",
      text: `${alarmName(kind)}: ${evidence}; back to step ${target.step}, α ${shift > 0 ? "raised" : "lowered"} by ${Math.abs(shift)} from there on`,
    });
    return target.step;
  }

  function announceStage({ index, prompts: left, dropped, stayed }: StagePrompts): void {
    const { name, steps } = schedule.placeAfter(step).stage;
    const filtered = recipe.online_filter !== undefined && index > 0 ? { dropped } : {};
    emit({ type: "stage", index: index + 1, count: recipe.stages.length, steps, prompts: left.length, name, ...filtered });
    if (stayed > 0)
      emit({
        type: "warning",
        text: `stage ${name}: ${stayed} solved prompts stay, so that a step has its ${recipe.stages[index]!.batch_size}`,
      });
  }

  /** Takes the rejection that the signal causes for an end without a result; passes on every other one. */
  function unlessStopped(error: unknown): undefined {
    if (!signal.aborted || error !== signal.reason) throw error;
  }
}
