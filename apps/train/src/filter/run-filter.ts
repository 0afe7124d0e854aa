// A filter recipe, run: the steps with what they need, the pipeline, and what is written beside the problems that are left.
import { mkdirSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import { DataError } from "@longcot/errors";
import { runPipeline, type PipelineResult, type Source } from "@longcot/data-filter";
import { definedOnly } from "../recipe/defined-only.ts";
import { dataCard } from "./data-card.ts";
import type { FilterRecipe } from "./filter-recipe.ts";
import { renderFilterReport } from "./filter-report.ts";
import { openSteps } from "./open-steps.ts";
import { resolveDataset } from "./resolve-dataset.ts";

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

/**
 * Runs the recipe and writes problems, report, data card and what was dropped.
 * @throws DataError where no problem is left; the report is there then.
 */
export async function runFilter({ recipe, out, onProgress, signal }: FilterJob): Promise<FilterOutcome> {
  const isFile = [".parquet", ".jsonl"].includes(extname(out));
  const output = isFile ? out : join(out, "problems.parquet");
  const folder = isFile ? `${out.slice(0, -extname(out).length)}.filter` : out;
  await using opened = await openSteps(recipe.steps, join(folder, "work"));
  mkdirSync(dirname(output), { recursive: true });
  mkdirSync(folder, { recursive: true });
  const sources: Source[] = [];
  for (const { files, dataset, config, split, mapping, data_source: dataSource = dataset, ability } of recipe.sources) {
    sources.push({
      files: dataset === undefined ? files! : await resolveDataset({ dataset, config, split }),
      ...(mapping === undefined ? {} : { mapping: definedOnly(mapping) }),
      ...(dataSource === undefined ? {} : { dataSource }),
      ...(ability === undefined ? {} : { ability }),
    });
  }
  const result = await runPipeline({
    sources,
    steps: opened.steps,
    ...(recipe.mix === undefined ? {} : { mix: { ...definedOnly(recipe.mix), sources: recipe.mix.sources } }),
    output,
    dropped: join(folder, "dropped.parquet"),
    folder: join(folder, "work"),
    onProgress,
    signal,
  });
  const outcome: FilterOutcome = { ...result, output, folder };
  atomicWrite(join(folder, "report.json"), `${JSON.stringify({ recipe, ...outcome }, undefined, 2)}\n`);
  atomicWrite(join(folder, "report.html"), renderFilterReport(recipe, outcome));
  if (outcome.rowsWritten === 0)
    throw new DataError({
      who: "filter",
      expected: "at least one problem left to write",
      received: `none of ${outcome.rowsRead}`,
      fix: `${join(folder, "report.html")} says why each was dropped`,
    });
  atomicWrite(join(folder, "README.md"), dataCard(recipe, outcome));
  return outcome;
}
