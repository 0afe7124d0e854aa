// One row per cell of a study, over its seeds: what it earned, what entropy it ended with, how long it took. With timings, so not part of the
// report's data, which is the same on every machine.
import { join } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import type { Metrics } from "../events.ts";
import { readRecords } from "../run/records.ts";
import type { Study } from "./load-study.ts";
import { cellFolder, readOutcomes, runKey } from "./study-folder.ts";

/** Mean over the seeds and, of two and more, their standard deviation (n − 1). */
interface Figure {
  mean: number;
  std: number | undefined;
}

export interface CellRow {
  cell: string;
  seeds: number;
  /** Mean reward of the last quarter of the steps. */
  reward: Figure;
  /** Held-out avg@k of the last evaluation, a share; absent: none. */
  score: Figure | undefined;
  /** Full-vocabulary entropy over all responses, last quarter of the steps, nats per token. */
  entropy: Figure;
  /** Mean of `timing_s/step`, seconds. */
  secondsPerStep: Figure;
}

/** Writes the table of a study into its folder, as table.md; returns it. */
export function writeCellTable(study: Study, folder: string): string {
  const table = cellTable(cellRows(study, folder));
  atomicWrite(join(folder, "table.md"), table);
  return table;
}

/** The cells in their order, over their finished runs; those without one are left out. */
export function cellRows({ cells }: Study, folder: string): CellRow[] {
  const outcomes = readOutcomes(folder);
  const names = [...new Set(cells.map(({ name }) => name))];
  return names.flatMap((cell): CellRow[] => {
    const runs = cells
      .filter(({ name, seed }) => name === cell && ["completed", "stopped"].includes(outcomes.get(runKey({ cell, seed }))?.status ?? ""))
      .map(({ seed }) => readRecords(cellFolder(folder, { cell, seed })));
    if (runs.length === 0) return [];
    const scores = runs.flatMap(({ evaluations }) => evaluations.at(-1)?.results.find(({ level }) => level === "all")?.avg_at_k ?? []);
    const over = (of: (metrics: readonly Metrics[]) => number): Figure => figureOf(runs.map(({ metrics }) => of(metrics)));
    return [
      {
        cell,
        seeds: runs.length,
        reward: over((metrics) => meanOf(lastQuarter(metrics), "critic/score/mean")),
        score: scores.length === 0 ? undefined : figureOf(scores),
        entropy: over((metrics) => meanOf(lastQuarter(metrics), "entropy/all")),
        secondsPerStep: over((metrics) => meanOf(metrics, "timing_s/step")),
      },
    ];
  });
}

/** The rows as a table in Markdown. */
export function cellTable(rows: readonly CellRow[]): string {
  const show = (figure: Figure | undefined, digits: number, scale = 1): string => {
    if (figure === undefined) return "";
    const spread = figure.std === undefined ? "" : ` ± ${(scale * figure.std).toFixed(digits)}`;
    return `${(scale * figure.mean).toFixed(digits)}${spread}`;
  };
  return [
    "| cell | seeds | reward | held-out, % | entropy, nats | s a step |",
    "|---|---|---|---|---|---|",
    ...rows.map(
      ({ cell, seeds, reward, score, entropy, secondsPerStep }) =>
        `| ${[cell, seeds, show(reward, 3), show(score, 1, 100), show(entropy, 3), show(secondsPerStep, 2)].join(" | ")} |`,
    ),
    "",
  ].join("\n");
}

const lastQuarter = (metrics: readonly Metrics[]): readonly Metrics[] => metrics.slice(-Math.max(1, Math.floor(metrics.length / 4)));

function meanOf(metrics: readonly Metrics[], name: string): number {
  return metrics.reduce((sum, line) => sum + line[name]!, 0) / metrics.length;
}

function figureOf(values: readonly number[]): Figure {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, std: values.length < 2 ? undefined : Math.sqrt(squares / (values.length - 1)) };
}
