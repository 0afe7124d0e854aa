// A filter recipe: where problems come from, and the steps they go through, in order.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { ConfigError } from "@longcot/errors";
import { z } from "zod";
import { parseChecked } from "../recipe/checked-yaml.ts";
import { parseDataset } from "./resolve-dataset.ts";

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
  /** Paths or glob patterns: .parquet, .jsonl, .json, .csv, .arrow, .feather. */
  files: z.array(path).min(1).optional(),
  /** Instead of files, owner/name or owner/name@revision of a data set on the hub. */
  dataset: path.optional(),
  /** Of the data set; absent: its default configuration, and split train. */
  config: path.optional(),
  split: path.optional(),
  /** Columns of the fields, dots go into objects; absent: told from the columns. */
  mapping: mapping.optional(),
  /** For files without such a column. */
  data_source: path.optional(),
  ability: z.enum(["math", "code"]).optional(),
});

/** A model behind an OpenAI-compatible server. */
const server = {
  /** Base of its API, such as http://localhost:8000/v1. */
  server: path,
  /** The model's name there. */
  model: path,
  /** Questions under way at a time. */
  concurrency: count.default(16),
  /** Seconds until a question counts as hung and is asked again. */
  timeout_s: z.number().positive().default(600),
  /** Times that a question is asked again. */
  retries: z.int().min(0).default(8),
  /** Variable of the environment that holds the key; absent: OPENAI_API_KEY. */
  api_key_env: path.optional(),
};

const step = z.discriminatedUnion("step", [
  /** Rows that are no problem in verl's schema; `rollouts` is N of the failed rollouts in extra_info.model_difficulty. */
  z.strictObject({ step: z.literal("schema"), rollouts: count.default(16) }),
  /** Proofs; links, figures and choices that are not there. */
  z.strictObject({ step: z.literal("statements") }),
  /** Prompts above `max` tokens of the tokenizer in that folder; without one, pieces that a tokenizer never makes fewer of. */
  z.strictObject({ step: z.literal("prompt-length"), max: count.default(2048), tokenizer: path.optional() }),
  /** Reference solutions that come to another answer. */
  z.strictObject({ step: z.literal("answers") }),
  /** Code: reference solutions that fail their tests, in the sandbox. */
  z.strictObject({
    step: z.literal("code-tests"),
    without_solution: z.enum(["keep", "drop"]).default("keep"),
    /** Of several reference solutions, how many are tried until one passes. */
    candidates: count.default(3),
    jobs: count.optional(),
    isolation: z.enum(["full", "namespaces", "rlimits only"]).default("full"),
    /** Of one test. */
    cpu_time_s: z.number().positive().default(6),
    wall_time_s: z.number().positive().default(18),
  }),
  z.strictObject({ step: z.literal("duplicates"), threshold: z.number().gt(0).max(1).default(0.6) }),
  z.strictObject({
    step: z.literal("contamination"),
    /** Files of the benchmarks' problems. */
    benchmarks: z.array(path).min(1),
    coverage: z.number().gt(0).max(1).default(0.7),
    ngram: z.int().min(4).default(13),
  }),
  /** Math problems and programming tasks that say the same in other words, with the same numbers and answer, by embeddings of a server. */
  z.strictObject({
    step: z.literal("embedding-duplicates"),
    ...server,
    threshold: z.number().gt(0).max(1).default(0.95),
    /** Texts of a request. */
    batch_size: count.default(64),
  }),
  /** Counts the failures of N answers of a model under its name in extra_info.model_difficulty; drops nothing that can be graded. */
  z.strictObject({
    step: z.literal("measure-difficulty"),
    ...server,
    /** Absent: `model` is a folder or a name on the hub, and runs in this process. */
    server: path.optional(),
    /** The key of the counts; absent: the last part of the model's name. */
    name: path.optional(),
    rollouts: count.default(16),
    temperature: z.number().positive().default(1),
    top_p: z.number().gt(0).max(1).default(1),
    /** Cap on an answer; absent: a server's own, in this process 32,768 or what the model's positions leave. */
    max_tokens: count.optional(),
    seed: z.int().min(0).default(0),
  }),
  /** Problems that `model` failed fewer than `min` or more than `max` of `rollouts` times. */
  z.strictObject({
    step: z.literal("difficulty"),
    model: path,
    rollouts: count.default(16),
    min: z.int().min(0).optional(),
    max: z.int().min(0).optional(),
  }),
  /** Math problems that fewer than `keep` of all votes call valid; each judge votes `votes` times. */
  z.strictObject({
    step: z.literal("votes"),
    judges: z.array(z.strictObject(server)).min(1),
    votes: count.default(16),
    keep: count.default(9),
    temperature: z.number().min(0).default(1),
    max_tokens: count.default(1024),
    /** A text file with {problem} in it; absent: a prompt of this program. */
    prompt_file: path.optional(),
  }),
]);

const share = z.union([z.strictObject({ repeat: z.number().min(0) }), z.strictObject({ weight: z.number().min(0) })]);

/** How often a problem is written, by its source (a name, or a pattern with `*`): so many times, or by its source's share of all rows. */
const mix = z.strictObject({
  sources: z.record(z.string(), share),
  /** With weights: rows in all; absent: as many as can be had without writing a problem twice. */
  rows: count.optional(),
  seed: z.int().min(0).default(0),
  /** Write in a keyed order; else in the files' order. */
  shuffle: z.boolean().default(true),
});

export const filterRecipeSchema = z.strictObject({
  name: path.default("filter"),
  sources: z.array(source).min(1),
  steps: z.array(step).min(1),
  /** Absent: every problem once, in the files' order. */
  mix: mix.optional(),
});

export type FilterRecipe = z.output<typeof filterRecipeSchema>;
export type FilterStepOptions = FilterRecipe["steps"][number];
export type ServerOptions = Extract<FilterStepOptions, { step: "votes" }>["judges"][number];

/** The key under which a `measure-difficulty` step counts. */
export const difficultyName = ({ name, model }: { name?: string | undefined; model: string }): string => name ?? basename(model);

/** Names of the steps. */
export const STEP_NAMES: readonly string[] = step.options.map((option) => option.shape.step.value);

/** What the command line says instead of, or over, a recipe. */
export interface FilterFlags {
  recipe?: string;
  input?: string[];
  steps?: string[];
  benchmark?: string[];
  embeddings?: string;
  tokenizer?: string;
  maxPromptTokens?: number;
  difficultyModel?: string;
  measure?: string;
  server?: string;
  rollouts?: number;
  maxTokens?: number;
  judges?: string[];
  votes?: number;
  keepVotes?: number;
  set?: string[];
}

/** Flags that a recipe says itself. */
const INSTEAD_OF_RECIPE: readonly (keyof FilterFlags)[] = [
  "input",
  "steps",
  "benchmark",
  "embeddings",
  "tokenizer",
  "maxPromptTokens",
  "difficultyModel",
  "measure",
  "server",
  "rollouts",
  "maxTokens",
  "judges",
  "votes",
  "keepVotes",
];

/**
 * The recipe of `flags.recipe` with what the other flags change, or, without one, all steps that the flags give what they need.
 * @throws ConfigError in one line.
 */
export function loadFilterRecipe(flags: FilterFlags): FilterRecipe {
  const sets = flags.set ?? [];
  if (flags.recipe !== undefined) {
    const other = INSTEAD_OF_RECIPE.find((flag) => flags[flag] !== undefined);
    if (other !== undefined)
      throw new ConfigError({
        who: flagName(other),
        expected: "absent beside --recipe",
        received: String(flags[other]),
        fix: "Write it into the recipe, or use --set",
      });
    return checkSources(
      parseChecked({ schema: filterRecipeSchema, text: readFileSync(flags.recipe, "utf8"), label: flags.recipe, sets }).value,
    );
  }
  if (flags.input === undefined) throw new ConfigError({ who: "options", expected: "--input FILE… or --recipe FILE", received: "neither" });
  const datasets = flags.input.map(parseDataset);
  const files = flags.input.filter((_, i) => datasets[i] === undefined);
  const sources = [...(files.length === 0 ? [] : [{ files }]), ...datasets.filter((dataset) => dataset !== undefined)];
  const text = JSON.stringify({ sources, steps: stepsOf(flags) });
  return checkSources(parseChecked({ schema: filterRecipeSchema, text, label: "the command line", sets }).value);
}

/** @throws ConfigError for a source of files and a data set, or of neither. */
function checkSources(recipe: FilterRecipe): FilterRecipe {
  for (const [i, { files, dataset, config, split }] of recipe.sources.entries()) {
    if ((files === undefined) === (dataset === undefined))
      throw new ConfigError({
        who: "filter recipe",
        argument: `sources.${i}`,
        expected: "either files or dataset",
        received: files === undefined ? "neither" : "both",
      });
    const stray = dataset === undefined ? (config === undefined ? (split === undefined ? undefined : "split") : "config") : undefined;
    if (stray !== undefined)
      throw new ConfigError({
        who: "filter recipe",
        argument: `sources.${i}.${stray}`,
        expected: "absent beside files",
        received: (config ?? split)!,
      });
  }
  return recipe;
}

/** What must be given with a step before it can run. */
const NEEDS: Readonly<Record<string, string>> = {
  contamination: "--benchmark FILE…",
  "embedding-duplicates": "--embeddings MODEL@URL",
  "measure-difficulty": "--measure MODEL",
  difficulty: "--difficulty-model NAME or --measure MODEL",
  votes: "--judges MODEL@URL…",
};

function stepsOf(flags: FilterFlags): object[] {
  const rollouts = flags.rollouts === undefined ? {} : { rollouts: flags.rollouts };
  const measured = flags.measure === undefined ? undefined : difficultyName({ model: flags.measure });
  const difficulty = flags.difficultyModel ?? measured;
  const steps: Record<string, object | undefined> = {
    schema: rollouts,
    statements: {},
    "prompt-length": { max: flags.maxPromptTokens, tokenizer: flags.tokenizer },
    answers: {},
    "code-tests": {},
    duplicates: {},
    "embedding-duplicates": flags.embeddings === undefined ? undefined : modelAt("--embeddings", flags.embeddings),
    contamination: flags.benchmark === undefined ? undefined : { benchmarks: flags.benchmark },
    "measure-difficulty":
      flags.measure === undefined ? undefined : { model: flags.measure, server: flags.server, max_tokens: flags.maxTokens, ...rollouts },
    difficulty: difficulty === undefined ? undefined : { model: difficulty, ...rollouts },
    votes:
      flags.judges === undefined
        ? undefined
        : { judges: flags.judges.map((judge) => modelAt("--judges", judge)), votes: flags.votes, keep: flags.keepVotes },
  };
  for (const name of flags.steps ?? []) {
    if (STEP_NAMES.includes(name) && steps[name] !== undefined) continue;
    const isKnown = STEP_NAMES.includes(name);
    throw new ConfigError({
      who: "--steps",
      expected: isKnown ? `with ${name} also ${NEEDS[name]!}` : STEP_NAMES.join(", "),
      received: isKnown ? "none" : name,
    });
  }
  for (const [flag, needs] of [
    ["server", "measure"],
    ["maxTokens", "measure"],
    ["votes", "judges"],
    ["keepVotes", "judges"],
  ] as const) {
    if (flags[flag] !== undefined && flags[needs] === undefined)
      throw new ConfigError({ who: flagName(flag), expected: `used with ${flagName(needs)}`, received: String(flags[flag]) });
  }
  return Object.entries(steps)
    .filter(([name, options]) => options !== undefined && (flags.steps?.includes(name) ?? true))
    .map(([name, options]) => ({ step: name, ...options }));
}

/** `MODEL@URL`, as a flag gives a model behind a server. */
function modelAt(flag: string, text: string): { model: string; server: string } {
  const [, model, server] = /^(.+)@(https?:.+)$/.exec(text) ?? [];
  if (model === undefined || server === undefined)
    throw new ConfigError({ who: flag, expected: "MODEL@URL, such as judge@http://localhost:8000/v1", received: text });
  return { model, server };
}

const flagName = (flag: string): string => `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
