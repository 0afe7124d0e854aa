// Everything that a study's report is made from, as plain tables: what its runs recorded, without timings.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { targetAt } from "@longcot/entropy-dynamics";
import type { StudyRun, StudySettings } from "@longcot/entropy-dynamics";
import type { Metrics } from "../events.ts";
import { stringify } from "yaml";
import type { Recipe } from "../recipe/schema.ts";
import { withoutTimings } from "../run/metrics-line.ts";
import { readRecords, RECIPE_FILE } from "../run/records.ts";
import type { EnvironmentRecord } from "../run/records.ts";
import { describeSet } from "./load-study.ts";
import type { Study } from "./load-study.ts";
import type { RunName, RunStatus } from "./study-events.ts";
import { cellFolder, readOutcomes, runKey } from "./study-folder.ts";

/** A line of steps.csv: a step of a run, with its metrics under the names of docs/metrics.md. */
export type StepRow = RunName & { step: number } & Record<string, string | number>;

/** A line of evaluations.csv: one level of one evaluation. */
export type EvaluationRow = RunName & {
  step: number;
  level: string;
  prompts: number;
  samples_per_prompt: number;
  avg_at_k: number;
  avg_at_k_low: number;
  avg_at_k_high: number;
  pass_at_k: number;
  pass_at_k_low: number;
  pass_at_k_high: number;
};

export interface CellRecord {
  name: string;
  /** What it changes in the base recipe, one line. */
  change: string;
  settings: StudySettings;
}

/** study.json: what the tables are about. */
export interface StudyRecord {
  schema_version: 1;
  name: string;
  question: string | undefined;
  seeds: number[];
  collapse_fraction: number;
  plots: { title: string; cells: string[] }[];
  cells: CellRecord[];
  runs: (RunName & { status: RunStatus | "not run"; error?: string })[];
  /** The base recipe as YAML, every default written out. */
  base: string;
  environment: (Omit<EnvironmentRecord, "parameters"> & { parameters: number }) | undefined;
}

export interface StudyData {
  record: StudyRecord;
  steps: StepRow[];
  evaluations: EvaluationRow[];
}

/** Reads what the runs of the study in `folder` have recorded so far. */
export function collectStudy({ recipe, cells }: Study, folder: string): StudyData {
  const outcomes = readOutcomes(folder);
  const data: StudyData = {
    record: {
      schema_version: 1,
      name: recipe.name,
      question: recipe.question,
      seeds: recipe.seeds,
      collapse_fraction: recipe.collapse_fraction,
      plots: recipe.plots ?? defaultPlots(cells.map(({ name }) => name)),
      cells: cells
        .filter(({ seed }) => seed === recipe.seeds[0])
        .map((cell) => ({ name: cell.name, change: describeSet(cell.set), settings: settingsOf(cell.recipe) })),
      runs: [],
      base: stringify(recipe.base, { lineWidth: 0 }),
      environment: undefined,
    },
    steps: [],
    evaluations: [],
  };
  for (const { name, seed } of cells) {
    const run = { cell: name, seed };
    const outcome = outcomes.get(runKey(run));
    const path = cellFolder(folder, run);
    if (!existsSync(join(path, RECIPE_FILE))) {
      data.record.runs.push({
        ...run,
        status: outcome?.status ?? "not run",
        ...(outcome?.error === undefined ? {} : { error: outcome.error }),
      });
      continue;
    }
    data.record.runs.push({
      ...run,
      status: outcome?.status ?? "interrupted",
      ...(outcome?.error === undefined ? {} : { error: outcome.error }),
    });
    const { metrics, evaluations, environment } = readRecords(path);
    data.record.environment ??= environment;
    data.steps.push(...metrics.map((line) => stepRow(run, line)));
    for (const { step, samples_per_prompt, results } of evaluations)
      data.evaluations.push(...results.map((result): EvaluationRow => roundedRow({ ...run, step, samples_per_prompt, ...result })));
  }
  return data;
}

function stepRow(run: RunName, line: Metrics): StepRow {
  const { "training/global_step": step, ...metrics } = withoutTimings(line);
  return roundedRow({ ...run, step: step!, ...metrics });
}

/** Seven significant digits: more than single precision holds, and the same in every file that a report is drawn from. */
function roundedRow<Row extends Record<string, string | number>>(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, typeof value === "number" ? Number(value.toPrecision(7)) : value]),
  ) as Row;
}

/** At most six curves a figure, the first cell in each for comparison. */
function defaultPlots(names: readonly string[]): { title: string; cells: string[] }[] {
  const distinct = [...new Set(names)];
  const [first, ...rest] = distinct;
  if (rest.length <= 5) return [{ title: "All cells", cells: distinct }];
  return Array.from({ length: Math.ceil(rest.length / 5) }, (_, i) => ({
    title: `Cells ${i + 1}`,
    cells: [first!, ...rest.slice(5 * i, 5 * i + 5)],
  }));
}

/** The runs of the data as the findings take them: runs too short to have a level are left out. */
export function studyRuns({ record, steps, evaluations }: StudyData): StudyRun[] {
  return record.runs.flatMap((run): StudyRun[] => {
    const isOwn = (row: RunName) => row.cell === run.cell && row.seed === run.seed;
    const own = steps.filter(isOwn);
    if (own.length < SHORTEST_RUN) return [];
    const cell = record.cells.find(({ name }) => name === run.cell)!;
    return [
      {
        cell: run.cell,
        seed: run.seed,
        settings: cell.settings,
        steps: own.map(({ step }) => step),
        entropies: own.map((row) => row["entropy/all"] as number),
        measured: own.flatMap((row) => (typeof row["actor/entropy"] === "number" ? [row["actor/entropy"]] : [])),
        scores: evaluations.filter((row) => isOwn(row) && row.level === "all").map(({ step, avg_at_k }) => ({ step, score: avg_at_k })),
      },
    ];
  });
}

/** Steps below which a run has neither a beginning nor an end to compare. */
const SHORTEST_RUN = 10;

/** The settings of a recipe that findings compare by; what else it holds goes into `other`. */
export function settingsOf(recipe: Recipe): StudySettings {
  const { name: _, seed: __, stages, rollout, loss, entropy, kl, ...rest } = recipe;
  const first = stages[0]!;
  const { controller, ...controllerOptions } = entropy;
  const { clip_low, clip_high, name: lossName, ...lossRest } = loss;
  const { temperature, ...rolloutRest } = rollout;
  return {
    batchSize: first.batch_size,
    miniBatchSize: first.mini_batch_size,
    reuse: first.reuse,
    groupSize: first.group_size,
    temperature,
    clipLow: clip_low ?? 0,
    clipHigh: clip_high ?? 0,
    loss: lossName,
    klCoefficient: kl?.coefficient ?? 0,
    controller,
    alpha: entropy.controller === "constant" ? entropy.coefficient : 0,
    targetNats: "target" in entropy ? targetAt(entropy.target, Infinity) : 0,
    controllerOptions: JSON.stringify(controllerOptions),
    other: JSON.stringify({
      ...rest,
      rollout: rolloutRest,
      loss: lossRest,
      stages: stages.map((stage) => {
        const differs = (["batch_size", "mini_batch_size", "reuse", "group_size"] as const).some((key) => stage[key] !== first[key]);
        const { batch_size: _b, mini_batch_size: _m, reuse: _r, group_size: _g, ...others } = stage;
        return differs ? stage : others;
      }),
    }),
  };
}
