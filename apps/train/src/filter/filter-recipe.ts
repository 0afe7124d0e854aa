// A filter recipe: where problems come from, and the steps they go through, in order.
import { readFileSync } from "node:fs";
import { ConfigError } from "@longcot/errors";
import { z } from "zod";
import { parseChecked } from "../recipe/checked-yaml.ts";

const path = z.string().min(1);
const count = z.int().min(1);

const mapping = z.strictObject({
  prompt: path.optional(),
  ground_truth: path.optional(),
  data_source: path.optional(),
  ability: path.optional(),
  solution: path.optional(),
  extra_info: path.optional(),
});

const source = z.strictObject({
  /** Paths or glob patterns: .parquet, .jsonl, .csv. */
  files: z.array(path).min(1),
  /** Columns of the fields, dots go into objects; absent: told from the columns. */
  mapping: mapping.optional(),
  /** For files without such a column. */
  data_source: path.optional(),
  ability: z.enum(["math", "code"]).optional(),
});

const step = z.discriminatedUnion("step", [
  /** Rows that are no problem in verl's schema; `rollouts` is N of the failed rollouts in extra_info.model_difficulty. */
  z.strictObject({ step: z.literal("schema"), rollouts: count.default(16) }),
  /** Proofs; links, figures and choices that are not there. */
  z.strictObject({ step: z.literal("statements") }),
  /** Prompts above `max` tokens of the tokenizer in that folder; without one, pieces that a tokenizer never makes fewer of. */
  z.strictObject({ step: z.literal("prompt-length"), max: count.default(2048), tokenizer: path.optional() }),
  /** Reference solutions that come to another answer. */
  z.strictObject({ step: z.literal("answers") }),
  z.strictObject({ step: z.literal("duplicates"), threshold: z.number().gt(0).max(1).default(0.6) }),
  z.strictObject({
    step: z.literal("contamination"),
    /** Files of the benchmarks' problems. */
    benchmarks: z.array(path).min(1),
    coverage: z.number().gt(0).max(1).default(0.7),
    ngram: z.int().min(4).default(13),
  }),
  /** Problems that `model` failed fewer than `min` or more than `max` of `rollouts` times. */
  z.strictObject({
    step: z.literal("difficulty"),
    model: path,
    rollouts: count.default(16),
    min: z.int().min(0).optional(),
    max: z.int().min(0).optional(),
  }),
]);

export const filterRecipeSchema = z.strictObject({
  name: path.default("filter"),
  sources: z.array(source).min(1),
  steps: z.array(step).min(1),
});

export type FilterRecipe = z.output<typeof filterRecipeSchema>;
export type FilterStepOptions = FilterRecipe["steps"][number];

/** Names of the steps. */
export const STEP_NAMES: readonly string[] = step.options.map((option) => option.shape.step.value);

/** What the command line says instead of, or over, a recipe. */
export interface FilterFlags {
  recipe?: string;
  input?: string[];
  steps?: string[];
  benchmark?: string[];
  tokenizer?: string;
  maxPromptTokens?: number;
  difficultyModel?: string;
  rollouts?: number;
  set?: string[];
}

/**
 * The recipe of `flags.recipe` with what the other flags change, or, without one, all steps that the flags give what they need.
 * @throws ConfigError in one line.
 */
export function loadFilterRecipe(flags: FilterFlags): FilterRecipe {
  const sets = flags.set ?? [];
  if (flags.recipe !== undefined) {
    const other = (["input", "steps", "benchmark", "tokenizer", "maxPromptTokens", "difficultyModel", "rollouts"] as const).find(
      (flag) => flags[flag] !== undefined,
    );
    if (other !== undefined)
      throw new ConfigError({
        who: `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
        expected: "absent beside --recipe",
        received: String(flags[other]),
        fix: "Write it into the recipe, or use --set",
      });
    return parseChecked({ schema: filterRecipeSchema, text: readFileSync(flags.recipe, "utf8"), label: flags.recipe, sets }).value;
  }
  if (flags.input === undefined) throw new ConfigError({ who: "options", expected: "--input FILE… or --recipe FILE", received: "neither" });
  const text = JSON.stringify({ sources: [{ files: flags.input }], steps: stepsOf(flags) });
  return parseChecked({ schema: filterRecipeSchema, text, label: "the command line", sets }).value;
}

function stepsOf(flags: FilterFlags): object[] {
  const rollouts = flags.rollouts === undefined ? {} : { rollouts: flags.rollouts };
  const steps: Record<string, object | undefined> = {
    schema: rollouts,
    statements: {},
    "prompt-length": { max: flags.maxPromptTokens, tokenizer: flags.tokenizer },
    answers: {},
    duplicates: {},
    contamination: flags.benchmark === undefined ? undefined : { benchmarks: flags.benchmark },
    difficulty: flags.difficultyModel === undefined ? undefined : { model: flags.difficultyModel, ...rollouts },
  };
  for (const name of flags.steps ?? []) {
    if (STEP_NAMES.includes(name) && steps[name] !== undefined) continue;
    const isKnown = STEP_NAMES.includes(name);
    throw new ConfigError({
      who: "--steps",
      expected: isKnown
        ? `with ${name} also ${name === "contamination" ? "--benchmark FILE…" : "--difficulty-model NAME"}`
        : STEP_NAMES.join(", "),
      received: isKnown ? "none" : name,
    });
  }
  return Object.entries(steps)
    .filter(([name, options]) => options !== undefined && (flags.steps?.includes(name) ?? true))
    .map(([name, options]) => ({ step: name, ...options }));
}
