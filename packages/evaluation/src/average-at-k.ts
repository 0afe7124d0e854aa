// avg@k: the mean correctness of k samples a problem.
import { countOutcomes } from "./outcome-table.ts";
import type { OutcomeTable, ProblemCounts } from "./outcome-table.ts";

/**
 * Returns avg@k, the mean over problems of the fraction of correct samples, k being the samples of each problem. With
 * unequal numbers of samples every problem still weighs the same.
 *
 * @throws DataError, ShapeError on a table that is none (see {@link OutcomeTable}).
 * @example averageAtK(outcomeTable([[1, 0], [1, 1]])) // 0.75
 */
export function averageAtK(table: OutcomeTable): number {
  return mean(problemAverages(countOutcomes("averageAtK", table)));
}

/** Returns the fraction of correct samples of each problem. */
export function problemAverages(counts: ProblemCounts): Float64Array {
  return Float64Array.from(counts.correct, (correct, problem) => correct / counts.samples[problem]!);
}

/** Returns the mean of at least one value. */
export function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
