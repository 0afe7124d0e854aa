// Where the responses of a step come from: the run that the recipe replays; the run's own file of the step, if a process before this one
// generated them; or the model, and then they are on disk before anything else happens to them.
import type { GeneratedResponse } from "@longcot/language-model";
import { DataError } from "@longcot/errors";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { EmitEvent } from "../events.ts";
import { updatesPerStep } from "../recipe/load-recipe.ts";
import type { Recipe, Stage } from "../recipe/schema.ts";
import { rolloutPath } from "../run/rollout-store.ts";
import type { RolloutStore } from "../run/rollout-store.ts";
import type { PreparedModel } from "./prepare-model.ts";
import type { TrainingPrompt } from "./prompts.ts";
import { generateResponses, rolloutDecoding, writeResponses } from "./rollout.ts";
import type { Answers, ResponseOrigin, SampledResponse } from "./rollout.ts";
import type { ReadReplayedStep } from "./replay.ts";

/** Columns that nobody knows right after generation. */
const NOT_YET = ["outcome", "reward", "advantage", "old_log_probs"] as const;

interface Obtain {
  recipe: Recipe;
  prepared: PreparedModel;
  rolloutStore: RolloutStore;
  replay?: ReadReplayedStep;
  signal: AbortSignal;
  emit: EmitEvent;
}

interface Wanted {
  step: number;
  stage: Stage;
  prompts: readonly TrainingPrompt[];
}

/** Response g·M + s is sample s of prompt g. */
export interface Obtained {
  prompts: readonly TrainingPrompt[];
  responses: readonly SampledResponse[];
  origin: ResponseOrigin;
}

/**
 * The responses of a step, to the prompts that are wanted or, in a replay, to those of the stored step. Generated ones are stored before
 * this returns, in one file with those that the step has `before`.
 *
 * @throws DataError when a stored file of the step is damaged or does not fit.
 */
export async function obtainResponses(
  { recipe, prepared, rolloutStore: store, replay, signal, emit }: Obtain,
  wanted: Wanted,
  origin: ResponseOrigin,
  before?: Pick<Answers, "prompts" | "responses">,
): Promise<Obtained> {
  const { step, stage, prompts } = wanted;
  if (replay !== undefined) {
    const { weightVersion, ...replayed } = await replay(step, stage, prompts);
    return { ...replayed, origin: { ...origin, weightVersion } };
  }
  const own = await store.read(step);
  // With a refill a file may end with an earlier round, or go on with later ones.
  const isPart = recipe.rejection.refill !== undefined;
  if (own !== undefined && !(isPart && isWithout(own, prompts))) {
    const responses = copyResponses(own, rolloutPath(store.run, step), wanted, { seed: recipe.seed, isPart, ...origin });
    emit({ type: "notice", text: `step ${step}: using the ${responses.length} responses that were generated before the run was stopped` });
    return { prompts, responses: withOldLogProbs(responses, recipe, stage), origin };
  }
  const responses = await generate();
  const groups = {
    groupSize: stage.group_size,
    prompts: [...(before?.prompts ?? []), ...prompts],
    responses: [...(before?.responses ?? []), ...responses],
  };
  const writer = writeResponses(store, groups, origin);
  groups.responses.forEach(({ entropies }, row) => writer.setPerToken("entropies", row, entropies!));
  const sealed = writer.seal({ step, seed: recipe.seed, pending: NOT_YET });
  try {
    await store.write(sealed);
  } finally {
    sealed.free();
  }
  return { prompts, responses: withOldLogProbs(responses, recipe, stage), origin };

  async function generate(): Promise<GeneratedResponse[]> {
    return await generateResponses(prepared, prompts, {
      groupSize: stage.group_size,
      maxNewTokens: stage.context_length,
      decoding: rolloutDecoding(recipe),
      seed: recipe.seed,
      step,
      signal,
      emit,
      phase: "rollout",
    });
  }
}

/**
 * With one update a step the policy that sampled is the one that is updated: the sampler's log-probabilities are the old ones. With more, or
 * where sampler and trainer are to be compared, the trainer computes its own.
 */
function withOldLogProbs(responses: readonly SampledResponse[], recipe: Recipe, stage: Stage): readonly SampledResponse[] {
  if (updatesPerStep(stage) > 1 || recipe.rollout_correction !== undefined) return responses;
  return responses.map((response) => ({ ...response, oldLogProbs: response.logProbs }));
}

/** Whether a stored step has no response to any of `prompts`. */
function isWithout(rollouts: Rollouts, prompts: readonly TrainingPrompt[]): boolean {
  const stored = new Set([...rollouts.groups()].map(({ promptId }) => promptId));
  return prompts.every(({ index }) => !stored.has(index));
}

/** The responses of a stored step in the order of the prompts. @throws DataError naming the file when it does not hold what is wanted. */
function copyResponses(
  rollouts: Rollouts,
  path: string,
  { step, stage, prompts }: Wanted,
  sampled: { seed: number; isPart: boolean } & ResponseOrigin,
): SampledResponse[] {
  const refuse = (expected: string, received: string): DataError =>
    new DataError({
      who: "stored rollouts",
      argument: path,
      expected,
      received,
      fix: "Delete the file, and the step is generated again",
    });
  if (rollouts.metadata.step !== step) throw refuse(`of step ${step}`, `step ${rollouts.metadata.step}`);
  if (rollouts.metadata.seed !== sampled.seed) throw refuse(`of seed ${sampled.seed}`, `seed ${rollouts.metadata.seed}`);
  const other = rollouts.viewPerRow("weight_version").find((version) => version !== sampled.weightVersion);
  if (other !== undefined) throw refuse(`sampled by the policy after ${sampled.weightVersion} updates`, `one after ${other}`);
  const groups = new Map([...rollouts.groups()].map((group) => [group.promptId, group]));
  const rows = prompts.flatMap(({ index, tokens }) => {
    const group = groups.get(index);
    const found = group === undefined ? 0 : group.to - group.from;
    if (found !== stage.group_size) throw refuse(`with ${stage.group_size} responses to prompt ${index}`, String(found));
    const { promptTokens } = rollouts.viewRow(group!.from);
    if (promptTokens.length !== tokens.length || promptTokens.some((token, i) => token !== tokens[i]))
      throw refuse(`with prompt ${index} as the data has it`, "other tokens");
    return Array.from({ length: found }, (_, sample) => group!.from + sample);
  });
  if (!sampled.isPart && rows.length !== rollouts.length) throw refuse(`with ${prompts.length} prompts`, String(groups.size));
  return rows.map((row) => {
    const { responseTokens, rolloutLogProbs, entropies, topKMass, finishReason } = rollouts.viewRow(row);
    if (responseTokens.length > stage.context_length)
      throw refuse(`with responses of at most ${stage.context_length} tokens`, String(responseTokens.length));
    return {
      tokens: new Int32Array(responseTokens),
      logProbs: new Float32Array(rolloutLogProbs),
      ...(entropies === undefined ? {} : { entropies: new Float32Array(entropies) }),
      ...(topKMass === undefined ? {} : { topMasses: new Float32Array(topKMass) }),
      finishReason: finishReason === "length" ? "length" : "stop",
    };
  });
}
