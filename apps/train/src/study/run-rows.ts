// One row per run: how it ended and the levels that findings compare.
import { referenceEntropy, sgdSteps, summarizeRun } from "@longcot/entropy-dynamics";
import type { RunSummary } from "@longcot/entropy-dynamics";
import { studyRuns } from "./study-data.ts";
import type { StudyData } from "./study-data.ts";
import type { RunName } from "./study-events.ts";

/** A line of runs.csv. Levels are absent for a run too short to have them; entropies in nats, scores shares in [0, 1]. */
export interface RunRow extends RunName {
  status: string;
  sgd_steps: number;
  steps: number;
  initial_entropy?: number;
  /** What the controller measured. */
  last_half_measured?: number;
  final_entropy?: number;
  peak_entropy?: number;
  /** Absent: never collapsed. */
  collapse_step?: number;
  initial_score?: number;
  final_score?: number;
  best_score?: number;
}

/** Rows in the order of the cells, then seeds. */
export function runRows(data: StudyData): RunRow[] {
  const runs = studyRuns(data);
  const { record, steps } = data;
  return record.cells.flatMap((cell) =>
    record.runs
      .filter((run) => run.cell === cell.name)
      .map((run): RunRow => {
        const measured = runs.find((other) => other.cell === run.cell && other.seed === run.seed);
        const row = {
          cell: run.cell,
          seed: run.seed,
          status: run.status,
          sgd_steps: sgdSteps(cell.settings),
          steps: steps.filter((step) => step.cell === run.cell && step.seed === run.seed).length,
        };
        if (measured === undefined) return row;
        const threshold = record.collapse_fraction * referenceEntropy(runs.filter((other) => other.seed === run.seed));
        const initial = measured.scores[0]?.score;
        return { ...row, ...levels(summarizeRun(measured, threshold)), ...(initial === undefined ? {} : { initial_score: initial }) };
      }),
  );
}

function levels(summary: RunSummary): Partial<RunRow> {
  const all = {
    initial_entropy: summary.initialEntropy,
    last_half_measured: summary.lastHalfMeasured,
    final_entropy: summary.finalEntropy,
    peak_entropy: summary.peakEntropy,
    collapse_step: summary.collapseStep,
    final_score: summary.finalScore,
    best_score: summary.bestScore,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, Number(value.toPrecision(7))]])),
  );
}
