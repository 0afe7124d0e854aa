// The recipe of a reward model: backbone, pairs, loss, how long and how fast.
import { existsSync, readFileSync, statSync } from "node:fs";
import { ConfigError } from "@longcot/errors";
import type { StepLossKind } from "@longcot/reward-model";
import { stringify } from "yaml";
import { z } from "zod";
import { parseChecked } from "../recipe/checked-yaml.ts";
import { count, countOrZero, pathString, positive } from "../recipe/fields.ts";
import { checkpoint, engine, memoryLimit, optimizer, schedule } from "../recipe/schema.ts";
import { RECIPE_FILE } from "../run/records.ts";

const files = z.union([pathString, z.array(pathString).min(1)]);

const rewardRecipeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "a name of letters, digits, '.', '_' and '-'")
    .default("reward-model"),
  seed: countOrZero.default(0),
  /** Backbone: a language model's folder in the Hugging Face layout, or its name on the hub. The head is new. */
  model: pathString,
  data: z.strictObject({
    /** What it learns from: `pairs` make an outcome model, which scores answers; labelled `steps` a process model, which scores their steps. */
    kind: z.enum(["pairs", "steps"]).default("pairs"),
    /** Parquet or JSONL of pairs (prompt, chosen, rejected) or of labelled steps (prompt, completions, labels). */
    train: files,
    /** The same, held out: measured before the first and after the last step. */
    validation: files.optional(),
    /** Tokens of prompt and answer; longer pairs are left out and counted. Absent: the model's positions. */
    max_length: count.optional(),
  }),
  loss: z
    .strictObject({
      /** Weight of (s_chosen + s_rejected)², which keeps scores around 0. */
      center: z.number().min(0).default(0.01),
      /** Weight of the loss that each token has alone, from the first on in which the answers differ: a right or a wrong one so far. */
      token: z.number().min(0).default(0),
      /** Whether a pair's column `margin` has to be reached by its scores. */
      margin: z.boolean().default(false),
      /** Of steps: binary cross-entropy, or the squared error of the probability. */
      step: z.enum(["bce", "mse"] as const satisfies StepLossKind[]).default("bce"),
      /** Of steps: `soft` labels are shares of right continuations, `hard` ones 1 where any was right. */
      labels: z.enum(["soft", "hard"]).default("soft"),
    })
    .prefault({}),
  training: z
    .strictObject({
      epochs: positive.default(1),
      /** Pairs of an update. */
      batch_size: count.default(32),
      learning_rate: positive.default(1e-5),
      schedule: schedule.default("cosine"),
      /** Steps over which the learning rate grows linearly from 0; below 1 a share of all steps. */
      warmup: z.number().min(0).default(0.03),
      /** Most tokens in one forward and backward pass. */
      micro_batch_tokens: count.default(16_384),
    })
    .prefault({}),
  optimizer: optimizer.omit({ learning_rate: true }).prefault({}),
  /** Steps between measurements of the validation pairs; absent: only the first and the last. */
  evaluation: z.strictObject({ every: count.optional() }).prefault({}),
  memory: memoryLimit.prefault({}),
  checkpoint: checkpoint.prefault({}),
  engine: engine.prefault({}),
});

export type RewardRecipe = z.output<typeof rewardRecipeSchema>;

/** What the command line says instead of, or over, a recipe. */
export interface RewardFlags {
  recipe?: string;
  model?: string;
  pairs?: string[];
  steps?: string[];
  validation?: string[];
  set?: string[];
}

/** The recipe of `flags.recipe` (an empty one where there is none) with what the other flags change. @throws ConfigError in one line. */
export function loadRewardRecipe({ recipe, model, pairs, steps, validation, set = [] }: RewardFlags): RewardRecipe {
  if (pairs !== undefined && steps !== undefined)
    throw new ConfigError({ who: "options", expected: "--pairs or --steps", received: "both" });
  const given: readonly [string, unknown][] = [
    ["model", model],
    ["data.train", pairs ?? steps],
    ["data.kind", steps === undefined ? undefined : "steps"],
    ["data.validation", validation],
  ];
  const sets = [...given.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${JSON.stringify(value)}`])), ...set];
  if (recipe !== undefined) {
    if (!existsSync(recipe) || !statSync(recipe).isFile())
      throw new ConfigError({ who: "--recipe", expected: "a recipe file that exists", received: recipe });
    return resolveRewardRecipe({ text: readFileSync(recipe, "utf8"), label: recipe, sets });
  }
  const data = pairs ?? steps;
  if (model === undefined || data === undefined)
    throw new ConfigError({
      who: "options",
      expected: "--model DIR and --pairs FILE… or --steps FILE…, or --recipe FILE",
      received: model === undefined ? (data === undefined ? "neither" : "no --model") : "neither --pairs nor --steps",
    });
  return resolveRewardRecipe({ text: "{}", label: "the command line", sets, isWritten: false });
}

/** The recipe of the run at `path`. @throws ConfigError if there is none. */
export function readRewardRecipe(path: string): RewardRecipe {
  const file = `${path}/${RECIPE_FILE}`;
  if (!existsSync(file))
    throw new ConfigError({ who: "--run", expected: `the run of a reward model (a folder with ${RECIPE_FILE})`, received: path });
  return resolveRewardRecipe({ text: readFileSync(file, "utf8"), label: file });
}

/** The recipe as YAML with every default written out. */
export const writeRewardRecipe = (recipe: RewardRecipe): string => stringify(recipe, { lineWidth: 0 });

function resolveRewardRecipe(source: { text: string; label: string; sets?: readonly string[]; isWritten?: boolean }): RewardRecipe {
  return parseChecked({ schema: rewardRecipeSchema, ...source }).value;
}
