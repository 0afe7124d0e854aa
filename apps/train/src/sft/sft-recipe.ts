// The recipe of supervised fine-tuning: model, data, how long and how fast, what is evaluated on the way.
import { existsSync, readFileSync, statSync } from "node:fs";
import type { DivergenceName } from "@longcot/distillation";
import { ConfigError } from "@longcot/errors";
import { stringify } from "yaml";
import { z } from "zod";
import { parseChecked } from "../recipe/checked-yaml.ts";
import { count, countOrZero, pathString, positive } from "../recipe/fields.ts";
import { checkpoint, engine, lora, memoryLimit, newModel, optimizer, schedule, verifier } from "../recipe/schema.ts";

const files = z.union([pathString, z.array(pathString).min(1)]);
const share = z.number().min(0).lt(1);

const data = z.strictObject({
  /** Parquet or JSONL files of rows with `messages`, or with `prompt` and `completion`. */
  train: files,
  /** The same, for the validation loss. */
  validation: files.optional(),
  /** Share of the training examples held back for the validation loss, chosen by the seed. */
  validation_fraction: share.default(0),
  /** Problems in verl's row schema, for avg@k during training. */
  problems: files.optional(),
  /** Tokens; longer problems are left out and counted. */
  max_prompt_length: count.default(1024),
  /** Tokens of prompt and completion; absent: the model's positions. */
  max_length: count.optional(),
  /** What happens to longer examples: left out and counted, or an error. */
  overlong: z.enum(["drop", "error"]).default("drop"),
});

const training = z.strictObject({
  /** How long: epochs (may be a fraction: 0.5 is half of the examples), steps, or completion tokens; one of them. Absent: 3 epochs. */
  epochs: positive.optional(),
  steps: count.optional(),
  tokens: count.optional(),
  /** Examples of an update. */
  batch_size: count.default(32),
  learning_rate: positive.default(1e-5),
  schedule: schedule.default("cosine"),
  /** Steps over which the learning rate grows linearly from 0; below 1 a share of all steps. */
  warmup: z.number().min(0).default(0.03),
  /** What the schedule ends at, as a share of the learning rate. */
  min_learning_rate: z.number().min(0).max(1).default(0),
  /** The first so many epochs go from short examples to long ones. */
  length_curriculum_epochs: countOrZero.default(0),
  /** Most tokens (prompt, completion, padding) in one forward and backward pass. */
  micro_batch_tokens: count.default(16_384),
  /** A third more time for far less memory. */
  gradient_checkpointing: z.boolean().default(false),
});

const evaluation = z.strictObject({
  /** Steps between evaluations; absent: only before the first step and after the last. */
  every: count.optional(),
  /** k of avg@k. */
  samples_per_prompt: count.default(8),
  temperature: positive.default(1),
  /** Cap on an answer, tokens; absent: what the model's positions leave for the longest problem, at most 2048. */
  max_new_tokens: count.optional(),
});

const teacher = z.strictObject({
  /** A model with the same tokenizer: a folder, or a name on the hub. */
  model: pathString,
  /** Likeliest tokens of its distribution that are learnt from at each place, and all others as one; at most the vocabulary. */
  top_k: count.default(64),
  /** Divisor of the logits of both. */
  temperature: positive.default(1),
  /** Of the student's distribution from the teacher's. */
  divergence: z
    .enum(["forward_kl", "reverse_kl", "jsd", "skewed_forward_kl", "skewed_reverse_kl"] as const satisfies DivergenceName[])
    .default("forward_kl"),
  /** Of jsd: weight of the teacher in the mixture. */
  beta: z.number().gt(0).lt(1).default(0.5),
  /** Of the skewed ones: how much of the first distribution is mixed into the second. */
  skew: z.number().min(0).lt(1).default(0.1),
  /** Weight of the text's cross-entropy; the divergence has the rest. */
  cross_entropy_weight: z.number().min(0).max(1).default(0),
});

export const sftRecipeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "a name of letters, digits, '.', '_' and '-'")
    .default("sft"),
  seed: countOrZero.default(0),
  /** A folder in the Hugging Face layout, a name on the hub, or the shape of a new model. */
  model: z.union([pathString, newModel]),
  /** The model whose tokenizer and chat template a new model takes. */
  tokenizer: pathString.optional(),
  /** Train adapters beside the model's weights; absent: train the weights. */
  lora: lora.optional(),
  data,
  /** Learn a teacher's distributions over the examples; absent: their text alone. */
  teacher: teacher.optional(),
  training: training.prefault({}),
  optimizer: optimizer.omit({ learning_rate: true }).prefault({}),
  evaluation: evaluation.prefault({}),
  verifier: verifier.prefault({}),
  memory: memoryLimit.prefault({}),
  checkpoint: checkpoint.prefault({}),
  engine: engine.prefault({}),
});

export type SftRecipe = z.output<typeof sftRecipeSchema>;

/** What the command line says instead of, or over, a recipe. */
export interface SftFlags {
  recipe?: string;
  model?: string;
  data?: string[];
  validation?: string[];
  problems?: string[];
  teacher?: string;
  set?: string[];
}

/**
 * The recipe of `flags.recipe` (an empty one where there is none) with what the other flags change.
 * @throws ConfigError in one line.
 */
export function loadSftRecipe({ recipe, model, data: train, validation, problems, teacher: master, set = [] }: SftFlags): SftRecipe {
  const given: readonly [string, unknown][] = [
    ["model", model],
    ["data.train", train],
    ["data.validation", validation],
    ["data.problems", problems],
    ["teacher.model", master],
  ];
  const sets = given.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${JSON.stringify(value)}`]));
  if (recipe === undefined) {
    if (model === undefined || train === undefined)
      throw new ConfigError({
        who: "options",
        expected: "--model DIR and --data FILE…, or --recipe FILE",
        received: model === undefined ? (train === undefined ? "neither" : "no --model") : "no --data",
      });
    return resolveSftRecipe({ text: "{}", label: "the command line", sets: [...sets, ...set], isWritten: false });
  }
  if (!existsSync(recipe) || !statSync(recipe).isFile())
    throw new ConfigError({ who: "--recipe", expected: "a recipe file that exists", received: recipe });
  return resolveSftRecipe({ text: readFileSync(recipe, "utf8"), label: recipe, sets: [...sets, ...set] });
}

/** {@link loadSftRecipe} for YAML text. */
export function resolveSftRecipe(source: { text: string; label: string; sets?: readonly string[]; isWritten?: boolean }): SftRecipe {
  const { value, locate } = parseChecked({ schema: sftRecipeSchema, ...source });
  const broken = findBrokenRule(value);
  if (broken === undefined) return value;
  const { path, ...fields } = broken;
  throw new ConfigError({ who: locate(path), argument: path.join("."), ...fields });
}

/** The recipe as YAML with every default written out. */
export const writeSftRecipe = (recipe: SftRecipe): string => stringify(recipe, { lineWidth: 0 });

function findBrokenRule({ model, tokenizer, lora: adapters, data: source, training: { epochs, steps, tokens } }: SftRecipe) {
  const lengths = Object.entries({ epochs, steps, tokens }).filter(([, value]) => value !== undefined);
  if (lengths.length > 1)
    return { path: ["training", lengths[1]![0]], expected: `absent beside training.${lengths[0]![0]}`, received: String(lengths[1]![1]) };
  if (typeof model !== "string" && tokenizer === undefined)
    return { path: ["tokenizer"], expected: "a model's folder, since a new model has none of its own", received: "nothing" };
  if (typeof model === "string" && tokenizer !== undefined)
    return { path: ["tokenizer"], expected: "absent, since the model has its own", received: tokenizer };
  if (typeof model !== "string" && adapters !== undefined)
    return { path: ["lora"], expected: "absent, since the weights of a new model must be trained themselves", received: "adapters" };
  if (source.validation !== undefined && source.validation_fraction > 0)
    return {
      path: ["data", "validation_fraction"],
      expected: "0 beside data.validation",
      received: String(source.validation_fraction),
    };
  return undefined;
}
