// The paired comparison with an earlier evaluation of the same problems.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PromptRow } from "@longcot/data-filter";
import { ConfigError, DataError } from "@longcot/errors";
import { compareRuns, outcomeTable } from "@longcot/evaluation";
import { isRight } from "./eval-figures.ts";
import type { EvalOutcome } from "./eval-outcome.ts";
import type { GradedSample } from "./sample-log.ts";

/** How this evaluation differs from another one on the same problems. */
export interface ComparedResult {
  against: string;
  /** avg@k of this minus that of the other. */
  difference: number;
  low: number;
  high: number;
  /** Whether the 95% interval leaves 0 out. */
  significant: boolean;
  better: number;
  worse: number;
  equal: number;
}

/**
 * Compares with the evaluation in `folder`.
 * @throws ConfigError where it holds no evaluation of this benchmark, DataError where that had other problems.
 */
export function compareWith(
  folder: string,
  benchmark: string,
  rows: readonly PromptRow[],
  samples: readonly GradedSample[],
): ComparedResult {
  const path = join(folder, "results.json");
  const other = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as EvalOutcome) : undefined;
  const result = other?.results.find((candidate) => candidate.benchmark === benchmark);
  if (other === undefined || result === undefined)
    throw new ConfigError({ who: "--against", expected: `"published", or the folder of an evaluation on ${benchmark}`, received: folder });
  if (result.correct_per_problem.length !== rows.length)
    throw new DataError({
      who: path,
      expected: `the ${rows.length} problems of ${benchmark}`,
      received: `${result.correct_per_problem.length}`,
    });
  const k = samples.length / rows.length;
  const comparison = compareRuns({
    baseline: outcomeTable(result.correct_per_problem.map((right) => Array.from({ length: result.k }, (_, i) => i < right))),
    candidate: outcomeTable(rows.map((_, problem) => samples.slice(problem * k, (problem + 1) * k).map(isRight))),
    seed: 0,
  });
  const { difference, interval, excludesZero, better, worse, equal } = comparison;
  return { against: other.model, difference, low: interval.low, high: interval.high, significant: excludesZero, better, worse, equal };
}
