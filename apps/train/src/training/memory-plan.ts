// What a run will hold in memory at its peak, part by part, before it begins; and which setting to change where that is too much.

import { constrainedMemory } from "node:process";
import { totalmem } from "node:os";
import { batchTime, generateBytes, optimizerBytes, scoreBytes, trainBytes, updateBytes, weightBytes } from "@longcot/language-model";
import type { LoraOptions, ModelConfig } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
import type { MemoryPlanEvent } from "../events.ts";
import { gibibytes, PHASES } from "../progress/memory-plan-lines.ts";
import type { Recipe, Stage } from "../recipe/schema.ts";

/** Node with the program's modules, TensorFlow's library, and the arrays and strings of the loop. */
const PROGRAM_BYTES = 650 * 2 ** 20;
/** A compiled function's graph and its kernels, per layer; a run compiles some {@link COMPILED_FUNCTIONS} that have the model in them. */
const COMPILED_LAYER_BYTES = 2 * 2 ** 20;
const COMPILED_FUNCTIONS = 30;
/** TensorFlow's allocator keeps what it has taken and fits tensors into gaps: measured 1.1 to 1.3 times what is in use. */
const ALLOCATOR_OVERHEAD = 1.2;
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
    program: PROGRAM_BYTES + COMPILED_FUNCTIONS * config.layers * COMPILED_LAYER_BYTES,
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
  const [peakPhase, largest] = Object.entries(phases).reduce((most, phase) => (phase[1] > most[1] ? phase : most));
  const sum = Object.values(held).reduce((a, b) => a + b, 0);
  return {
    type: "memory_plan",
    held_bytes: whole(held),
    phase_bytes: whole(phases),
    peak_phase: peakPhase as keyof typeof phases,
    peak_bytes: Math.round(sum + largest),
    limit_bytes: memoryLimit(recipe),
  };
}

/** What the recipe allows, or what there is: the machine's memory, or this process's share of it. */
function memoryLimit({ memory }: Recipe): number {
  if (memory.limit_gib !== undefined) return memory.limit_gib * 2 ** 30;
  const share = constrainedMemory();
  return share > 0 ? Math.min(share, totalmem()) : totalmem();
}

/** @throws ConfigError where the plan does not fit, naming the setting that helps. */
export function checkMemoryFits(recipe: Recipe, inputs: PlanInputs, plan: MemoryPlanEvent): void {
  if (plan.peak_bytes <= plan.limit_bytes) return;
  throw new ConfigError({
    who: `recipe ${recipe.name}`,
    argument: "memory",
    expected: `at most ${gibibytes(plan.limit_bytes)}, ${recipe.memory.limit_gib === undefined ? "what this machine has" : "memory.limit_gib"}`,
    received: `a run that takes ${gibibytes(plan.peak_bytes)} at its peak (${PHASES[plan.peak_phase]})`,
    fix: remedy(recipe, inputs, plan),
  });
}

function loraOptions({ lora }: Recipe): LoraOptions | undefined {
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

/** The first change of one setting with which the run fits; else the one that helps most, and that it is not enough. */
function remedy(recipe: Recipe, inputs: PlanInputs, plan: MemoryPlanEvent): string {
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
  const planned = changes.map(([setting, changed]) => ({ setting, bytes: planMemory(changed, inputs).peak_bytes }));
  const fitting = planned.find(({ bytes }) => bytes <= plan.limit_bytes);
  if (fitting !== undefined) return `Add --set ${fitting.setting}: ${gibibytes(fitting.bytes)}`;
  const best = planned.reduce((least, change) => (change.bytes < least.bytes ? change : least));
  return best.bytes < plan.peak_bytes
    ? `No one setting is enough; --set ${best.setting} helps most: ${gibibytes(best.bytes)}`
    : "Take a smaller model";
}

const whole = <T extends Record<string, number>>(bytes: T): T =>
  Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, Math.round(value)])) as T;
