// The recipe of distilled data: problems, teachers, how often each is asked, what is kept.
import { readFileSync } from "node:fs";
import { ConfigError } from "@longcot/errors";
import { stringify } from "yaml";
import { z } from "zod";
import { parseChecked } from "../recipe/checked-yaml.ts";
import { count, countOrZero, pathString, positive } from "../recipe/fields.ts";
import { engine, verifier } from "../recipe/schema.ts";

/** Of a million tokens, in whatever currency. */
const price = z.strictObject({ prompt: z.number().min(0).default(0), completion: z.number().min(0).default(0) });

const modelTeacher = z.strictObject({
  /** A folder in the Hugging Face layout, or a name on the hub. */
  model: pathString,
  price: price.prefault({}),
});
const serverTeacher = z.strictObject({
  /** Base of an OpenAI-compatible API, such as http://localhost:8000/v1; the key comes from OPENAI_API_KEY. */
  server: pathString,
  /** The model's name there. */
  name: pathString,
  /** Questions under way at a time. */
  concurrency: count.default(16),
  /** Seconds until a question counts as hung and is asked again. */
  timeout_s: positive.default(600),
  /** Times that a question is asked again; then the server counts as lost and others take over. */
  retries: countOrZero.default(8),
  price: price.prefault({}),
});

const prompts = z.strictObject({
  /** Parquet or JSONL files of verl's row schema. */
  files: z.union([pathString, z.array(pathString).min(1)]),
  /** Said to the teacher before the problem, and behind it; the rows written have the problem alone. */
  system: pathString.optional(),
  suffix: pathString.optional(),
  /** The first so many problems; absent: all. */
  limit: count.optional(),
});

const sampling = z.strictObject({
  temperature: positive.default(0.6),
  top_p: z.number().gt(0).max(1).default(0.95),
  /** Cap on an answer; absent: 32768, or what a model's positions leave. */
  max_new_tokens: count.optional(),
});

const budget = z.strictObject({
  /** Answers asked of every problem. */
  first: count.default(4),
  /** Good answers wanted of a problem: those that are kept. */
  wanted: count.default(1),
  /** Most answers asked of a problem: hard ones are asked again, by the share of good answers so far. */
  most: count.default(16),
});

const filter = z.strictObject({
  /** Keep only what the verifier calls right. */
  verified: z.boolean().default(true),
  /** `required`: reasoning in one <think>…</think> before the answer; `closed`: closed if opened. */
  thinking: z.enum(["required", "closed"]).default("closed"),
  /** What stands behind the last \\boxed{…}, where a policy trained on its answers alone likes to ramble: kept, or cut off. */
  after_answer: z.enum(["keep", "cut"]).default("keep"),
  /** Tokens of an answer. */
  min_tokens: countOrZero.default(0),
  max_tokens: count.optional(),
  /** Largest share of an answer's 32-character windows that stood in it before. */
  max_repetition: z.number().gt(0).max(1).default(0.5),
  /** Unicode scripts that letters may be of, such as [Latin, Greek]; absent: any. */
  scripts: z.array(z.string().min(1)).min(1).optional(),
  min_script_share: z.number().gt(0).max(1).default(0.95),
  /** Jaccard similarity of word triples from which two answers to a problem are duplicates. */
  duplicates: z.number().gt(0).max(1).default(0.9),
  /** Which of a problem's good answers are kept. */
  prefer: z.enum(["first", "shortest"]).default("first"),
});

const output = z.strictObject({
  /** `messages`; or `prompt` and `completion`, as TRL reads them. */
  format: z.enum(["messages", "prompt_completion"]).default("messages"),
  /** Problems of a file. */
  shard_problems: count.default(1000),
  /** Write what was left out too, with the reason. */
  rejected: z.boolean().default(true),
});

export const distillRecipeSchema = z.strictObject({
  name: z.string().min(1).default("distill"),
  seed: countOrZero.default(0),
  prompts,
  /** Several answer at once; whoever is free takes the next question. */
  teachers: z.array(z.union([modelTeacher, serverTeacher])).min(1),
  sampling: sampling.prefault({}),
  budget: budget.prefault({}),
  filter: filter.prefault({}),
  output: output.prefault({}),
  verifier: verifier.prefault({}),
  engine: engine.prefault({}),
});

export type DistillRecipe = z.output<typeof distillRecipeSchema>;
export type TeacherSettings = DistillRecipe["teachers"][number];

/** What the command line says instead of, or over, a recipe. */
export interface DistillFlags {
  recipe?: string;
  prompts?: string[];
  model?: string[];
  server?: string[];
  serverModel?: string;
  first?: number;
  wanted?: number;
  most?: number;
  temperature?: number;
  topP?: number;
  maxNewTokens?: number;
  seed?: number;
  set?: string[];
}

/** The recipe of `flags.recipe`, or an empty one, with what the other flags change. @throws ConfigError in one line. */
export function loadDistillRecipe(flags: DistillFlags): DistillRecipe {
  const { recipe, prompts: files, model = [], server = [], serverModel } = flags;
  if (server.length > 0 && serverModel === undefined)
    throw new ConfigError({ who: "--server", expected: "with --server-model NAME", received: "none" });
  const teachers = [...model.map((folder) => ({ model: folder })), ...server.map((url) => ({ server: url, name: serverModel }))];
  const given: readonly [string, unknown][] = [
    ["prompts.files", files],
    ["teachers", teachers.length === 0 ? undefined : teachers],
    ["budget.first", flags.first],
    ["budget.wanted", flags.wanted],
    ["budget.most", flags.most],
    ["sampling.temperature", flags.temperature],
    ["sampling.top_p", flags.topP],
    ["sampling.max_new_tokens", flags.maxNewTokens],
    ["seed", flags.seed],
  ];
  const sets = [...given.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${JSON.stringify(value)}`])), ...(flags.set ?? [])];
  if (recipe !== undefined) return resolve({ text: readFileSync(recipe, "utf8"), label: recipe, sets });
  if (files === undefined || teachers.length === 0)
    throw new ConfigError({
      who: "options",
      expected: "--prompts FILE… and a teacher (--model DIR or --server URL --server-model NAME), or --recipe FILE",
      received: files === undefined ? "no prompts" : "no teacher",
    });
  return resolve({ text: "{}", label: "the command line", sets, isWritten: false });
}

function resolve(source: { text: string; label: string; sets: readonly string[]; isWritten?: boolean }): DistillRecipe {
  const { value, locate } = parseChecked({ schema: distillRecipeSchema, ...source });
  const { first, wanted, most } = value.budget;
  const broken =
    most < first
      ? { path: ["budget", "most"], expected: `at least budget.first (${first})`, received: String(most) }
      : wanted > most
        ? { path: ["budget", "wanted"], expected: `at most budget.most (${most})`, received: String(wanted) }
        : undefined;
  if (broken === undefined) return value;
  const { path, ...fields } = broken;
  throw new ConfigError({ who: locate(path), argument: path.join("."), ...fields });
}

/** The recipe as YAML with every default written out. */
export const writeDistillRecipe = (recipe: DistillRecipe): string => stringify(recipe, { lineWidth: 0 });
