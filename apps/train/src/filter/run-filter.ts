// A filter recipe, run: the steps with what they need, the pipeline, and what is written beside the problems that are left.
import { mkdirSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import {
  checkAnswers,
  checkSchema,
  checkStatements,
  dropContaminated,
  dropDuplicates,
  fingerprint,
  keepDifficulty,
  limitPrompts,
  loadPrompts,
  runPipeline,
  type FilterStep,
  type Message,
  type PipelineResult,
} from "@longcot/data-filter";
import { loadTokenizer } from "@longcot/language-model";
import { encodePrompt } from "../models/prompt-tokens.ts";
import { definedOnly } from "../recipe/defined-only.ts";
import { atomicWrite } from "../run/atomic.ts";
import { dataCard } from "./data-card.ts";
import type { FilterRecipe, FilterStepOptions } from "./filter-recipe.ts";
import { renderFilterReport } from "./filter-report.ts";

export interface FilterJob {
  readonly recipe: FilterRecipe;
  /** A .parquet or .jsonl file, or a folder for `problems.parquet`. */
  readonly out: string;
  readonly onProgress: (progress: { step: string; phase: string; done: number; total: number }) => void;
  readonly signal: AbortSignal;
}

export interface FilterOutcome extends PipelineResult {
  /** The problems that are left. */
  readonly output: string;
  /** report.html, report.json, dropped.parquet, README.md and the database that an interrupted run goes on from. */
  readonly folder: string;
}

/** Runs the recipe and writes problems, report, data card and what was dropped. */
export async function runFilter({ recipe, out, onProgress, signal }: FilterJob): Promise<FilterOutcome> {
  const isFile = [".parquet", ".jsonl"].includes(extname(out));
  const output = isFile ? out : join(out, "problems.parquet");
  const folder = isFile ? `${out.slice(0, -extname(out).length)}.filter` : out;
  const steps: FilterStep[] = [];
  for (const options of recipe.steps) steps.push(await stepOf(options));
  mkdirSync(dirname(output), { recursive: true });
  mkdirSync(folder, { recursive: true });
  const sources = recipe.sources.map(({ files, mapping, data_source: dataSource, ability }) => ({
    files,
    ...(mapping === undefined ? {} : { mapping: definedOnly(mapping) }),
    ...(dataSource === undefined ? {} : { dataSource }),
    ...(ability === undefined ? {} : { ability }),
  }));
  const result = await runPipeline({
    sources,
    steps,
    output,
    dropped: join(folder, "dropped.parquet"),
    folder: join(folder, "work"),
    onProgress,
    signal,
  });
  const outcome: FilterOutcome = { ...result, output, folder };
  atomicWrite(join(folder, "report.json"), `${JSON.stringify({ recipe, ...outcome }, undefined, 2)}\n`);
  atomicWrite(join(folder, "report.html"), renderFilterReport(recipe, outcome));
  atomicWrite(join(folder, "README.md"), dataCard(recipe, outcome));
  return outcome;
}

async function stepOf(options: FilterStepOptions): Promise<FilterStep> {
  switch (options.step) {
    case "schema":
      return checkSchema({ rollouts: options.rollouts });
    case "statements":
      return checkStatements();
    case "prompt-length":
      return limitPrompts({
        maxTokens: options.max,
        ...(options.tokenizer === undefined ? {} : { tokenizer: await promptTokenizer(options.tokenizer) }),
      });
    case "answers":
      return checkAnswers();
    case "duplicates":
      return dropDuplicates({ threshold: options.threshold });
    case "contamination": {
      const benchmarks = await Promise.all(options.benchmarks.map(benchmarkOf));
      return dropContaminated(benchmarks, { coverage: options.coverage, ngram: options.ngram });
    }
    case "difficulty": {
      const { step: _, min, max, ...band } = options;
      return keepDifficulty({ ...band, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) });
    }
  }
}

/** Tokens of a prompt as the model would see it: by its chat template, with the generation prompt, where it has one. */
async function promptTokenizer(directory: string) {
  const tokenizer = await loadTokenizer(directory);
  return {
    name: directory,
    count: (messages: readonly Message[]): number => encodePrompt(tokenizer, messages).length,
  };
}

async function benchmarkOf(path: string) {
  const rows = await loadPrompts(path);
  return { name: path, fingerprint: await fingerprint(path), statements: rows.map(({ messages }) => messages.at(-1)!.content) };
}
