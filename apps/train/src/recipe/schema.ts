// The recipe: every hyper-parameter of a run with its default. Keys follow verl and TRL where they have a word for it.
// Strict everywhere: a key that is not here is an error. Rules that span several keys are in check-recipe.ts.
import { z } from "zod";
import type { Schedule } from "@longcot/distillation";
import type { LoraTarget } from "@longcot/language-model";
import { LEVELS } from "../arithmetic/operations.ts";
import { criticSchema } from "./critic-schema.ts";
import { count, countOrZero, pathString, positive, WHOLE_NUMBER } from "./fields.ts";
import { advantagesSchema, klSchema, lossSchema, rolloutCorrectionSchema } from "./loss-schema.ts";
import { rewardFunction, stageRewards } from "./reward-schema.ts";

export const schedule = z.enum(["constant", "linear", "cosine"] as const satisfies Schedule[]);
const levels = z.array(count).min(1);
const betas = z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]);

export const newModel = z.strictObject({
  hidden_size: count,
  intermediate_size: count,
  layers: count,
  attention_heads: count,
  key_value_heads: count,
  /** Longest prompt plus response, tokens. */
  max_position_embeddings: count,
});

const loraTargets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] as const satisfies LoraTarget[];
export const lora = z.strictObject({
  /** Columns of the adapters. */
  rank: count,
  /** The adapters' product is multiplied by alpha / rank. */
  alpha: positive,
  /** Projections with an adapter, by PEFT's names; absent: all of every layer. */
  target_modules: z.array(z.enum(loraTargets)).min(1).optional(),
});

const generatedData = z.strictObject({
  kind: z.literal("arithmetic").default("arithmetic"),
  levels: z.array(count.max(LEVELS.at(-1)!)).min(1),
  train_per_level: count,
  held_out_per_level: count,
  /** Worked solutions for the cold start, per level that the cold start uses. */
  cold_start_per_level: count.optional(),
});

const data = z.strictObject({
  /** Parquet or JSONL files of verl's row schema; or `generate`. */
  train: z.union([pathString, z.array(pathString).min(1)]).optional(),
  validation: z.union([pathString, z.array(pathString).min(1)]).optional(),
  generate: generatedData.optional(),
  /** Tokens; longer prompts are dropped at load and counted. */
  max_prompt_length: count.default(1024),
  /** Keep only rows whose `extra_info.level` is listed; absent: all rows. */
  levels: levels.optional(),
});

const coldStart = z.strictObject({
  steps: count,
  /** Sequences a step. */
  batch_size: count,
  learning_rate: positive,
  /** Steps over which the learning rate grows linearly from 0. */
  warmup_steps: countOrZero.default(0),
  /** Of the learning rate behind the warm-up; `linear` and `cosine` end near 0. */
  schedule: schedule.default("constant"),
  /** Relative weight of each level of difficulty in a batch. */
  levels: z.record(z.string().regex(/^[1-9]\d*$/, "a level (a whole number from 1)"), z.number().min(0)),
  betas: betas.default([0.9, 0.98]),
  weight_decay: z.number().min(0).default(0.01),
});

const plateau = z.strictObject({
  /** Evaluations in a row that bring no new best avg@k. */
  evaluations: count.default(3),
  /** A new best is more than this above the one before, as a share: 0.01 is one point. */
  min_gain: z.number().min(0).lt(1).default(0),
});

const stage = z.strictObject({
  name: z.string().min(1),
  /** 0 in the only stage of a recipe: its cold start alone. */
  steps: countOrZero,
  /** End the stage before its steps are done, once its evaluations have stopped improving; absent: never. */
  plateau: plateau.optional(),
  /** T: cap on the response, tokens. */
  context_length: count,
  /** D_R: prompts rolled out a step. */
  batch_size: count,
  /** D_T: prompts in one optimizer step. */
  mini_batch_size: count,
  /** N_reuse: passes over the rollouts of a step. */
  reuse: count.default(1),
  /** M: responses per prompt. */
  group_size: z.int({ error: WHOLE_NUMBER }).min(2),
  /** Levels trained on in this stage; absent: all of the data's. */
  levels: levels.optional(),
  /** Components whose weighted sum is the reward; absent: the verifier's score alone. */
  rewards: stageRewards.prefault({ verifier: {} }),
});

const replay = z.strictObject({
  /** A run whose stored rollouts are trained on; none is generated. */
  run: pathString,
  /** Old log-probabilities and entropies: `stored`, those of the policy that sampled; `recomputed` by the policy as it is at the step. */
  log_probs: z.enum(["stored", "recomputed"]).default("stored"),
});

const rollout = z.strictObject({
  temperature: positive.default(1),
  top_p: z.number().gt(0).max(1).default(1),
  /** 0 is off. */
  top_k: countOrZero.default(0),
  /** k of the measure `entropy/top_k_mass`, the probability of the k likeliest tokens together; 0: not measured. */
  top_k_mass: countOrZero.default(5),
  replay: replay.optional(),
});

/** Nats per token: a level, or a way from one to another over so many steps with a measured entropy. */
const target = z
  .union([positive, z.strictObject({ shape: z.enum(["linear", "cosine", "exponential"]), from: positive, to: positive, steps: count })])
  .default(0.2);

/** Of the tokens of an update, the share of highest entropy that the bonus acts on; absent: all. */
const topTokens = z.number().gt(0).lt(1).optional();

/** k most probable tokens whose renormalised entropy the bonus raises; absent: the entropy of the whole vocabulary. */
const topK = count.optional();

export const adaptiveEntropy = z.strictObject({
  controller: z.literal("adaptive"),
  /** Of the paper, of its released code, of TRL: they differ in gate and equality. */
  rule: z.enum(["paper", "code", "trl"]).default("paper"),
  initial: z.number().min(0).default(0),
  delta: positive.default(0.005),
  min: z.number().min(0).default(0),
  /** Absent: no cap, as in the paper. */
  max: positive.optional(),
  target,
  top_tokens: topTokens,
  top_k: topK,
});
export const proportionalIntegralEntropy = z.strictObject({
  controller: z.literal("pi"),
  target,
  /** α per nat of shortfall, and per nat of shortfall and step. */
  proportional: z.number().min(0).default(0.02),
  integral: z.number().min(0).default(0.005),
  /** Bounds of α; below 0 it also pushes entropy down. */
  min: z.number().default(0),
  max: positive.default(0.1),
  top_tokens: topTokens,
  top_k: topK,
});
export const constantEntropy = z.strictObject({
  controller: z.literal("constant"),
  coefficient: positive,
  top_tokens: topTokens,
  top_k: topK,
});
export const noEntropy = z.strictObject({ controller: z.literal("none") });

const entropy = z.preprocess(
  (value) => (typeof value === "object" && value !== null && !("controller" in value) ? { controller: "adaptive", ...value } : value),
  z.discriminatedUnion("controller", [adaptiveEntropy, proportionalIntegralEntropy, constantEntropy, noEntropy]),
);

const alarmAction = z.enum(["warn", "roll_back", "stop"]).default("warn");

const alarms = z.strictObject({
  /** Steps averaged in each window; no alarm before two of them. */
  window: count.default(10),
  /** Entropy spent for nothing. */
  collapse: z
    .strictObject({
      action: alarmAction,
      /** Recent entropy at most this fraction of the first window's. */
      fraction: z.number().gt(0).lt(1).default(0.2),
      /** A reward that rose by less than this from one window to the next is flat. */
      flat_reward_gain: z.number().min(0).default(0.02),
      /** A reward of at least this is a solved task, whose entropy may vanish. */
      solved_reward: z.number().default(0.95),
      /** What `roll_back` adds to α for the rest of the run. */
      raise_alpha: positive.optional(),
    })
    .prefault({}),
  /** Entropy out of hand. */
  explosion: z
    .strictObject({
      action: alarmAction,
      /** Recent entropy at least this multiple of the first window's, and rising. */
      factor: z.number().gt(1).default(2),
      /** And higher by at least this, nats. */
      rise: z.number().min(0).default(0.3),
      /** What `roll_back` takes off α for the rest of the run. */
      lower_alpha: positive.optional(),
    })
    .prefault({}),
  /** A component of the reward other than the verifier's goes up while verified accuracy goes down, within a stage. */
  reward_hacking: z
    .strictObject({
      action: z.enum(["warn", "stop"]).default("warn"),
      /** Recent accuracy lower than that of the best window by at least this. */
      accuracy_drop: z.number().min(0).default(0.1),
      /** And the component higher by so many of its standard deviations over responses. */
      reward_gain: z.number().min(0).default(0.1),
    })
    .prefault({}),
  /** After so many the next alarm stops the run. */
  max_roll_backs: count.default(3),
});

export const optimizer = z.strictObject({
  /** 0 tests the program: nothing is learnt, and a step whose ratios are not 1 stops the run. */
  learning_rate: z.number().min(0).default(1e-6),
  betas: betas.default([0.9, 0.999]),
  epsilon: positive.default(1e-8),
  weight_decay: z.number().min(0).default(0.01),
  max_grad_norm: positive.default(1),
});

const codeVerifier = z.strictObject({
  /** The weakest isolation at which a program may run. */
  isolation: z.enum(["full", "namespaces", "rlimits only"]).default("full"),
  /** `all`: 1 if every test passes; `fraction`: share of tests passed; `{power: p}`: that share to the power p. */
  reward: z.union([z.enum(["all", "fraction"]), z.strictObject({ power: positive })]).default("all"),
  /** Largest difference of two decimals, absolute and relative. */
  float_tolerance: z.number().min(0).default(1e-9),
  /** Printed lines compared one by one, or words wherever lines end. */
  layout: z.enum(["lines", "tokens"]).default("lines"),
  /** Of one test; seconds, seconds, MiB. */
  cpu_time_s: positive.default(6),
  wall_time_s: positive.default(18),
  memory_mib: count.default(1024),
});

const mathVerifier = z.strictObject({
  /** Without a box and an announcement: no answer, since a reward for a number that merely stands last teaches to leave answers unmarked; or that. */
  bare_answer: z.enum(["refuse", "accept"]).default("refuse"),
  /** Whether 28% is 28: for whole percentages, for all, never. */
  percent: z.enum(["integers", "either", "exact"]).default("integers"),
  /** A decimal equals what rounds to it at so many places. */
  decimal_places: countOrZero.default(6),
  /** Whether 12 cm is 12. */
  units: z.enum(["drop", "keep"]).default("drop"),
  /** Whether A and a are one variable. */
  symbol_case: z.enum(["fold", "exact"]).default("fold"),
  /** Base of `\\log` without one. */
  log_base: z.union([z.literal(10), z.literal("e")]).default(10),
  /** Whether (1,2) is {1,2} in the same order. */
  tuple_as_set: z.enum(["ordered", "distinct"]).default("ordered"),
});

export const verifier = z.strictObject({
  /** Grading processes; absent: as many as the machine has cores, at most 4. */
  jobs: count.optional(),
  /** Conventions where mathematics does not say. */
  math: mathVerifier.prefault({}),
  code: codeVerifier.prefault({}),
  /** Grades every response instead of the verifiers. */
  reward_function: rewardFunction.optional(),
});

const rejection = z.strictObject({
  /** Leave groups whose advantages are all zero out of the updates and of the entropy measured. */
  zero_advantage: z.boolean().default(true),
  /** Dynamic sampling (DAPO): more prompts are answered until as many groups as the stage's batch_size have rewards that differ; absent: none. */
  refill: z
    .strictObject({
      /** Times that batch_size more prompts are drawn in a step. */
      max_rounds: count.default(10),
    })
    .optional(),
});

const onlineFilter = z.strictObject({
  /** A prompt is solved, and left out of later stages, from this share of right responses in its last group on. */
  solved_at: z.number().gt(0).max(1).default(1),
});

const evaluation = z.strictObject({
  /** k of avg@k and pass@k. */
  samples_per_prompt: count.default(8),
  /** Steps between evaluations; absent: only before the first step and after the last. */
  every: count.optional(),
  temperature: positive.default(1),
  /** Held-out prompts per level; absent: all of them. */
  prompts_per_level: count.optional(),
});

export const checkpoint = z.strictObject({
  /** Steps between checkpoints; there is always one after the cold start and one at the end. */
  every: count.default(20),
  /** Newest checkpoints kept. */
  keep: count.default(2),
});

/** What a run may take. */
export const memoryLimit = z.strictObject({
  /** A run that would take more is refused before it begins; absent: what the machine has. */
  limit_gib: positive.optional(),
});

const memory = memoryLimit.extend({
  /** A layer keeps only its input for the backward pass and runs once more in it: less memory, about a third more time. */
  gradient_checkpointing: z.boolean().default(false),
});

export const engine = z.strictObject({
  kind: z.enum(["auto", "tensorflow-gpu", "tensorflow", "wasm"]).default("auto"),
  /** Absent: as many as the machine has cores. */
  threads: count.optional(),
  /** What dense layers multiply in: bfloat16 is faster where the device has it; weights, sums, attention and logits stay float32. */
  precision: z.enum(["float32", "bfloat16"]).default("float32"),
  /** Whether XLA compiles each step, once per size and in seconds: fewer and larger kernels, for GPUs. */
  xla: z.boolean().default(false),
});

/** Schema of a recipe. Parse with {@link loadRecipe}, which also checks what spans several keys. */
export const recipeSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.+_-]*$/, "a name of letters, digits, '.', '_', '+' and '-'"),
  seed: countOrZero.default(0),
  /** A folder in the Hugging Face layout, or the shape of a new model. */
  model: z.union([pathString, newModel]),
  /** Train adapters beside the model's weights, which stay as they are; absent: train the weights. */
  lora: lora.optional(),
  data,
  cold_start: coldStart.optional(),
  stages: z.array(stage).min(1),
  rollout: rollout.prefault({}),
  advantages: advantagesSchema.prefault({}),
  loss: lossSchema.prefault({}),
  /** The value function that advantages of `gae` take; absent: none. */
  critic: criticSchema.optional(),
  /** A reference policy that the trained one is kept near; absent: none. */
  kl: klSchema.optional(),
  /** What is done about a sampler and a trainer that disagree; present: the trainer computes old log-probabilities in every step. */
  rollout_correction: rolloutCorrectionSchema.optional(),
  entropy: entropy.prefault({}),
  alarms: alarms.prefault({}),
  optimizer: optimizer.prefault({}),
  verifier: verifier.prefault({}),
  rejection: rejection.prefault({}),
  /** Between stages, leave out the prompts that the actor has solved; absent: every stage trains on all of its prompts. */
  online_filter: onlineFilter.optional(),
  evaluation: evaluation.prefault({}),
  checkpoint: checkpoint.prefault({}),
  memory: memory.prefault({}),
  engine: engine.prefault({}),
});

/** A recipe as resolved: every default written out, every rule checked. */
export type Recipe = z.output<typeof recipeSchema>;
export type Stage = Recipe["stages"][number];
export type ColdStart = NonNullable<Recipe["cold_start"]>;
export type NewModel = z.output<typeof newModel>;
export type VerifierSettings = Recipe["verifier"];
export type GeneratedData = z.output<typeof generatedData>;
export type EntropyControl = Recipe["entropy"];
export type EngineChoice = Recipe["engine"];
