// What a run will hold in memory at its peak, part by part, before it begins; and which setting to change where that is too much.

import { batchTime, generateBytes, optimizerBytes, scoreBytes, trainBytes, updateBytes, weightBytes } from "@longcot/language-model";
import type { LoraOptions, ModelConfig } from "@longcot/language-model";
import type { MemoryPlanEvent } from "../events.ts";
import type { Recipe, Stage } from "../recipe/schema.ts";
import { ALLOCATOR_OVERHEAD, checkPlanFits, planOf, programBytes } from "./memory-parts.ts";
import type { Change } from "./memory-parts.ts";

/** Functions that a run compiles with the model in them. */
const COMPILED_FUNCTIONS = 30;
/** Responses under way at once: `generate`'s default. */
const MAX_SLOTS = 256;
/** Of a response's token: id, log-probability when sampled, old log-probability, entropy, top-k mass; of a prompt's: its id. Each twice, as made and as sealed. */
const [RESPONSE_TOKEN_BYTES, PROMPT_TOKEN_BYTES] = [2 * 20, 2 * 4];

export interface PlanInputs {
  config: ModelConfig;
  /** Tokens of the longest prompt; absent: as many as the recipe allows. */
  longestPrompt?: number;
  /** Prompts of an evaluation; absent: none. */
  heldOutPrompts?: number;
}

/** The parts of a run's memory, bytes; `peak_bytes` is all parts that are always there and the largest phase. */
export function planMemory(recipe: Recipe, inputs: PlanInputs): MemoryPlanEvent {
  const { config } = inputs;
  const lora = loraOptions(recipe);
  const { gradients, moments } = optimizerBytes(config, lora);
  const critic = recipe.critic === undefined ? undefined : optimizerBytes(config);
  const held = {
    program: programBytes(config, COMPILED_FUNCTIONS),
    weights: weightBytes(config, lora),
    // Of the policy's size, all of its weights trained.
    critic: critic === undefined ? 0 : weightBytes(config) + critic.gradients + critic.moments,
    // Of the policy's size: another one's is not known before it is opened.
    reference: recipe.kl === undefined ? 0 : weightBytes(config),
    gradients,
    moments,
    rollouts: Math.max(...recipe.stages.map((stage) => rolloutBytes(recipe, stage, inputs))),
  };
  const phases = { ...largestPhases(recipe, inputs), update: ALLOCATOR_OVERHEAD * updateBytes(config, lora) };
  return { type: "memory_plan", ...planOf(held, phases, recipe.memory.limit_gib) };
}

/** @throws ConfigError where the plan does not fit, naming the setting that helps. */
export function checkMemoryFits(recipe: Recipe, inputs: PlanInputs, plan: MemoryPlanEvent): void {
  checkPlanFits(plan, { who: `recipe ${recipe.name}`, limitGib: recipe.memory.limit_gib, changes: () => changesOf(recipe, inputs) });
}

/** The adapters that a recipe asks for. */
export function loraOptions({ lora }: Pick<Recipe, "lora">): LoraOptions | undefined {
  if (lora === undefined) return undefined;
  const { rank, alpha, target_modules: targets } = lora;
  return { rank, alpha, ...(targets === undefined ? {} : { targets }) };
}

function largestPhases(recipe: Recipe, inputs: PlanInputs): Omit<MemoryPlanEvent["phase_bytes"], "update"> {
  const { config } = inputs;
  const most = { generation: 0, old_log_prob: 0, train: 0 };
  for (const stage of recipe.stages) {
    const promptTokens = inputs.longestPrompt ?? recipe.data.max_prompt_length;
    const time = batchTime(promptTokens + stage.context_length, config.maxPositionEmbeddings);
    const shape = (sequences: number) => ({
      rows: Math.max(1, Math.min(Math.floor(recipe.loss.micro_batch_tokens / time), sequences)),
      time,
    });
    const pass = { maxSlots: MAX_SLOTS, promptTokens, newTokens: stage.context_length };
    const rollout = generateBytes(config, { ...pass, prompts: stage.batch_size, requests: stage.batch_size * stage.group_size });
    const heldOut = inputs.heldOutPrompts ?? 0;
    const evaluation = generateBytes(config, { ...pass, prompts: heldOut, requests: heldOut * recipe.evaluation.samples_per_prompt });
    most.generation = Math.max(most.generation, rollout.cache + rollout.beside, evaluation.cache + evaluation.beside);
    most.old_log_prob = Math.max(most.old_log_prob, scoreBytes(config, shape(stage.batch_size * stage.group_size)));
    most.train = Math.max(
      most.train,
      trainBytes(config, {
        ...shape(Math.max(stage.mini_batch_size * stage.group_size, recipe.cold_start?.batch_size ?? 0)),
        gradientCheckpointing: recipe.memory.gradient_checkpointing,
        lora: loraOptions(recipe),
      }),
    );
  }
  return {
    generation: ALLOCATOR_OVERHEAD * most.generation,
    old_log_prob: ALLOCATOR_OVERHEAD * most.old_log_prob,
    train: ALLOCATOR_OVERHEAD * most.train,
  };
}

function rolloutBytes(recipe: Recipe, stage: Stage, { longestPrompt = recipe.data.max_prompt_length }: PlanInputs): number {
  const responses = stage.batch_size * stage.group_size;
  return responses * (longestPrompt * PROMPT_TOKEN_BYTES + stage.context_length * RESPONSE_TOKEN_BYTES);
}

/** Changes of one setting each that take less memory. */
function changesOf(recipe: Recipe, inputs: PlanInputs): Change[] {
  const longest = batchTime(
    (inputs.longestPrompt ?? recipe.data.max_prompt_length) + Math.max(...recipe.stages.map((stage) => stage.context_length)),
    inputs.config.maxPositionEmbeddings,
  );
  const changes: [setting: string, recipe: Recipe][] = [];
  if (!recipe.memory.gradient_checkpointing)
    changes.push(["memory.gradient_checkpointing=true", { ...recipe, memory: { ...recipe.memory, gradient_checkpointing: true } }]);
  for (let tokens = recipe.loss.micro_batch_tokens / 2; tokens >= longest; tokens /= 2)
    changes.push([
      `loss.micro_batch_tokens=${Math.floor(tokens)}`,
      { ...recipe, loss: { ...recipe.loss, micro_batch_tokens: Math.floor(tokens) } },
    ]);
  if (recipe.lora === undefined && typeof recipe.model === "string")
    changes.push(["lora={rank: 16, alpha: 32}", { ...recipe, lora: { rank: 16, alpha: 32 } }]);
  for (const [i, { context_length: length }] of recipe.stages.entries())
    changes.push([
      `stages.${i}.context_length=${Math.floor(length / 2)}`,
      { ...recipe, stages: recipe.stages.map((stage, at) => (at === i ? { ...stage, context_length: Math.floor(length / 2) } : stage)) },
    ]);
  return changes.map(([setting, changed]) => [setting, planMemory(changed, inputs).peak_bytes]);
}
