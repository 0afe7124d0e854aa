// What a run reads before it begins: the model's files, the prompts, and from both the memory that it will take. No weight is loaded here.

import type { ModelConfig, Tokenizer } from "@longcot/language-model";
import type { EmitEvent, MemoryPlanEvent } from "../events.ts";
import type { Recipe } from "../recipe/schema.ts";
import { checkMemoryFits, planMemory } from "./memory-plan.ts";
import type { PlanInputs } from "./memory-plan.ts";
import { newModelConfig, newModelVocabulary, openModelFiles } from "./prepare-model.ts";
import type { ModelFiles } from "./prepare-model.ts";
import { loadTrainingPrompts } from "./prompts.ts";
import type { TrainingPrompt } from "./prompts.ts";

export interface RunPrompts {
  train: TrainingPrompt[];
  heldOut: TrainingPrompt[];
}

export interface RunInputs {
  /** Absent: a new model. */
  files: ModelFiles | undefined;
  /** Absent: they are generated, or need the tokenizer of a new model. */
  prompts: RunPrompts | undefined;
  planInputs: PlanInputs;
  plan: MemoryPlanEvent;
}

/** @throws ConfigError, DataError in one line for a model or data that do not fit the recipe or each other. */
export async function readRunInputs(recipe: Recipe, emit: EmitEvent): Promise<RunInputs> {
  const files = typeof recipe.model === "string" ? await openModelFiles(recipe.model, recipe) : undefined;
  const prompts = files === undefined || recipe.data.generate !== undefined ? undefined : await loadPrompts(recipe, files.tokenizer, emit);
  const config = files?.config ?? configOfNewModel(recipe);
  const planInputs = { config, ...promptFacts(recipe, prompts) };
  return { files, prompts, planInputs, plan: planMemory(recipe, planInputs) };
}

function configOfNewModel({ model }: Recipe): ModelConfig {
  if (typeof model === "string") throw new Error("internal: the shape of a new model expected");
  return newModelConfig(model, newModelVocabulary(model));
}

function promptFacts({ data, evaluation }: Recipe, prompts: RunPrompts | undefined): Omit<PlanInputs, "config"> {
  if (prompts !== undefined) {
    const all = [...prompts.train, ...prompts.heldOut];
    return { longestPrompt: all.reduce((most, { tokens }) => Math.max(most, tokens.length), 1), heldOutPrompts: prompts.heldOut.length };
  }
  const { levels = [], held_out_per_level: heldOut = 0 } = data.generate ?? {};
  return { heldOutPrompts: levels.length * Math.min(heldOut, evaluation.prompts_per_level ?? heldOut) };
}

/** Prompts to train on and prompts held out, from the recipe's files or the generated ones. */
export async function loadPrompts(
  recipe: Recipe,
  tokenizer: Tokenizer,
  emit: EmitEvent,
  generated?: { train: string; heldOut: string },
): Promise<RunPrompts> {
  const { data, evaluation } = recipe;
  const options = { tokenizer, maxPromptLength: data.max_prompt_length, levels: data.levels, emit };
  const train = await loadTrainingPrompts(generated?.train ?? data.train!, options);
  const validation = generated?.heldOut ?? data.validation;
  const heldOut = validation === undefined ? [] : await loadTrainingPrompts(validation, options);
  const wanted = evaluation.prompts_per_level;
  const seen = new Map<string, number>();
  const chosen = heldOut.filter(({ level }) => {
    const count = (seen.get(level) ?? 0) + 1;
    seen.set(level, count);
    return wanted === undefined || count <= wanted;
  });
  return { train, heldOut: chosen };
}

/** What `longcot train --plan` shows. */
export async function planTraining(recipe: Recipe, emit: EmitEvent): Promise<{ plan: MemoryPlanEvent; check: () => void }> {
  const { planInputs, plan } = await readRunInputs(recipe, emit);
  return { plan, check: () => checkMemoryFits(recipe, planInputs, plan) };
}
