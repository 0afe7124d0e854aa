// The stored rollouts of another run in place of generation (`rollout.replay`): the same responses are graded, given advantages and trained
// on by this run's recipe. What the sampling policy said of its tokens is taken from the file too, unless the recipe has it recomputed.

import { isDeepStrictEqual } from "node:util";
import { ConfigError, DataError } from "@longcot/errors";
import { readRolloutFile } from "@longcot/rollout-buffer";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { EmitEvent } from "../events.ts";
import { totalSteps } from "../recipe/load-recipe.ts";
import type { Recipe, Stage } from "../recipe/schema.ts";
import { listRolloutSteps, rolloutPath } from "../run/rollout-store.ts";
import { readRecords } from "../run/records.ts";
import { readRunRecipe } from "../run/run-folder.ts";
import { placeOf } from "./place-of.ts";
import { settleStages } from "./plateau.ts";
import type { TrainingPrompt } from "./prompts.ts";
import type { SampledResponse } from "./rollout.ts";

/** One stored step as the loop takes it; response g·M + s is sample s of prompt g. */
export interface ReplayedStep {
  prompts: TrainingPrompt[];
  responses: SampledResponse[];
  /** Updates that the policy had seen which sampled them, in the run that they come from. */
  weightVersion: number;
}

/**
 * A step of the run, its prompts in the order of `drawn` as far as they are the same.
 * @throws DataError naming the file and what does not fit: the stage, the prompts of the data, the tokens of the model.
 */
export type ReadReplayedStep = (step: number, stage: Stage, drawn: readonly TrainingPrompt[]) => Promise<ReplayedStep>;

export interface Replay {
  /** The recipe with its stages cut where a plateau ended those of the run. */
  schedule: Recipe;
  /** Steps that can be replayed: the schedule's, or as many as the run has. */
  steps: number;
  /** What to say at the end where the run has fewer than the recipe asks for. */
  endsEarly?: string;
  /** How to read its steps as answers to `prompts`, all of the training data, by a model of so many tokens. */
  reader(prompts: readonly TrainingPrompt[], vocabularySize: number): ReadReplayedStep;
}

const WHO = "replay";

/**
 * Opens the run that `recipe.rollout.replay` names; undefined if it names none.
 * @throws ConfigError where the recipe samples otherwise or makes other problems than that run; DataError where it has no step to replay.
 */
export async function openReplay(recipe: Recipe, emit: EmitEvent): Promise<Replay | undefined> {
  const { replay } = recipe.rollout;
  if (replay === undefined) return undefined;
  const { run } = replay;
  const source = readRunRecipe(run, "rollout.replay.run");
  checkSameSource(recipe, source, run);
  const schedule = asStagesEnded(recipe, source, run);
  const isStored = replay.log_probs === "stored";
  const available = await countSteps(run, isStored);
  const asked = totalSteps(schedule);
  const steps = Math.min(asked, available);
  const isRefilled = recipe.rejection.refill !== undefined;
  for (let step = 1; step <= steps; step++) {
    const { stage, draw } = placeOf(schedule, step - 1);
    const path = rolloutPath(run, step);
    if (draw === 0) checkShape(await readRolloutFile(path), { path, step, stage, isRefilled });
  }
  emit({ type: "notice", text: `replaying the rollouts of ${run}, ${steps} of ${asked} steps: none is generated to train on` });
  return {
    schedule,
    steps,
    ...(steps < asked ? { endsEarly: `the rollouts of ${run} end with step ${steps} of ${asked}: so does the replay` } : {}),
    reader(prompts, vocabularySize) {
      const byIndex = new Map(prompts.map((prompt) => [prompt.index, prompt]));
      return async (step, stage, drawn) => {
        const path = rolloutPath(run, step);
        return takeStep(await readRolloutFile(path), { path, step, stage, drawn, byIndex, vocabularySize, isStored, isRefilled });
      };
    },
  };
}

/** `recipe` with the stages that a plateau ended in the run cut to the steps they had there. */
function asStagesEnded(recipe: Recipe, source: Recipe, run: string): Recipe {
  const had = settleStages(source, readRecords(run).evaluations).stages;
  const stages = recipe.stages.map((stage, i) => (source.stages[i]?.plateau === undefined ? stage : { ...stage, steps: had[i]!.steps }));
  return { ...recipe, stages };
}

/** What must be as in the run: else ratios compare two temperatures, or prompt numbers name other problems. */
function checkSameSource(recipe: Recipe, source: Recipe, run: string): void {
  type Setting = [key: string, asked: unknown, had: unknown];
  const samples = (["temperature", "top_p", "top_k"] as const).map((key): Setting => [
    `rollout.${key}`,
    recipe.rollout[key],
    source.rollout[key],
  ]);
  const problems: Setting[] = [
    ["data.generate", recipe.data.generate, source.data.generate],
    ["seed", recipe.seed, source.seed],
  ];
  for (const [key, asked, had] of [...samples, ...(recipe.data.generate === undefined ? [] : problems)]) {
    if (isDeepStrictEqual(asked, had)) continue;
    throw new ConfigError({
      who: WHO,
      argument: key,
      expected: `${had === undefined ? "absent" : JSON.stringify(had)}, as in the run that is replayed (${run})`,
      received: JSON.stringify(asked),
      ...(key === "seed" ? { fix: "The generated problems follow from the seed" } : {}),
    });
  }
}

/** Steps from 1 that the run has whole. A last one that was generated but not scored counts only where nothing stored is needed. */
async function countSteps(run: string, needsLogProbs: boolean): Promise<number> {
  const steps = listRolloutSteps(run);
  const fail = (received: string): DataError =>
    new DataError({ who: WHO, argument: run, expected: "a run with the rollouts of its steps from 1 on", received });
  if (steps.length === 0) throw fail("no rollout file");
  const missing = steps.findIndex((step, i) => step !== i + 1);
  if (missing !== -1) throw fail(`no file of step ${missing + 1}, but of step ${steps[missing]}`);
  const last = steps.at(-1)!;
  if (!needsLogProbs || (await readRolloutFile(rolloutPath(run, last))).has("old_log_probs")) return last;
  if (last === 1) throw fail("step 1 alone, generated but not scored");
  return last - 1;
}

const refusal = (path: string, expected: string, received: string, fix?: string): DataError =>
  new DataError({ who: WHO, argument: path, expected, received, ...(fix === undefined ? {} : { fix }) });

/**
 * @throws DataError where the stored step has another number of prompts or responses than the stage. That of a recipe that refills may have more
 * prompts: those of further rounds.
 */
function checkShape(
  rollouts: Rollouts,
  { path, step, stage, isRefilled }: { path: string; step: number; stage: Stage; isRefilled: boolean },
): void {
  if (rollouts.metadata.step !== step) throw refusal(path, `rollouts of step ${step}`, `step ${rollouts.metadata.step}`);
  const groups = [...rollouts.groups()];
  if (isRefilled ? groups.length < stage.batch_size : groups.length !== stage.batch_size)
    throw refusal(
      path,
      `${isRefilled ? "at least " : ""}${stage.batch_size} prompts, as stage ${stage.name} has`,
      String(groups.length),
      groups.length > stage.batch_size ? "A run with rejection.refill is replayed by a recipe that has it too" : undefined,
    );
  for (const { promptId, from, to } of groups) {
    if (to - from !== stage.group_size)
      throw refusal(path, `${stage.group_size} responses to prompt ${promptId}, as stage ${stage.name} has`, String(to - from));
  }
}

interface Wanted {
  path: string;
  step: number;
  stage: Stage;
  drawn: readonly TrainingPrompt[];
  byIndex: ReadonlyMap<number, TrainingPrompt>;
  vocabularySize: number;
  isStored: boolean;
  isRefilled: boolean;
}

function takeStep(rollouts: Rollouts, wanted: Wanted): ReplayedStep {
  const { path, stage, byIndex, vocabularySize, isStored } = wanted;
  const refuse = (expected: string, received: string, fix?: string): DataError => refusal(path, expected, received, fix);
  const SAME_DATA = "Replay with the model's tokenizer and the data that the run was made with";
  checkShape(rollouts, wanted);
  if (isStored && !(rollouts.has("old_log_probs") && rollouts.has("entropies")))
    throw refuse("old log-probabilities and entropies", "none", "Add --set rollout.replay.log_probs=recomputed");

  const place = new Map(wanted.drawn.map(({ index }, i) => [index, i]));
  const groups = [...rollouts.groups()].toSorted((a, b) => (place.get(a.promptId) ?? Infinity) - (place.get(b.promptId) ?? Infinity) || 0);
  const prompts = groups.map(({ promptId, from }) => {
    const prompt = byIndex.get(promptId);
    if (prompt === undefined) throw refuse(`prompts of the training data, which has ${byIndex.size}`, `number ${promptId}`, SAME_DATA);
    const { promptTokens } = rollouts.viewRow(from);
    if (promptTokens.length !== prompt.tokens.length || promptTokens.some((token, i) => token !== prompt.tokens[i]))
      throw refuse(`prompt ${promptId} as data and tokenizer make it`, "other tokens", SAME_DATA);
    return prompt;
  });
  const rows = groups.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, sample) => from + sample));
  const responses = rows.map((row): SampledResponse => {
    const { responseTokens, rolloutLogProbs, oldLogProbs, entropies, topKMass, finishReason } = rollouts.viewRow(row);
    if (responseTokens.length > stage.context_length)
      throw refuse(`responses of at most ${stage.context_length} tokens, as stage ${stage.name} has`, String(responseTokens.length));
    const foreign = responseTokens.find((token) => token >= vocabularySize);
    if (foreign !== undefined) throw refuse(`tokens below ${vocabularySize}, the model's vocabulary`, String(foreign), SAME_DATA);
    return {
      tokens: new Int32Array(responseTokens),
      logProbs: new Float32Array(rolloutLogProbs),
      ...(isStored ? { oldLogProbs: new Float32Array(oldLogProbs!), entropies: new Float32Array(entropies!) } : {}),
      ...(topKMass === undefined ? {} : { topMasses: new Float32Array(topKMass) }),
      finishReason: finishReason === "length" ? "length" : "stop",
    };
  });
  const [weightVersion, ...others] = new Set(rollouts.viewPerRow("weight_version"));
  if (others.length > 0) throw refuse("rows of one policy", `policies after ${[weightVersion, ...others].join(", ")} updates`);
  return { prompts, responses, weightVersion: weightVersion! };
}
