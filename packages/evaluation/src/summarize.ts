// One benchmark result: avg@k and pass@k with intervals, over all problems and by label.
import { ConfigError, ShapeError } from "@longcot/errors";

import { mean, problemAverages } from "./average-at-k.ts";
import { bootstrapInterval } from "./bootstrap.ts";
import type { BootstrapOptions, Interval } from "./bootstrap.ts";
import { countOutcomes, selectProblems } from "./outcome-table.ts";
import type { OutcomeTable, ProblemCounts } from "./outcome-table.ts";
import { problemPassAtK } from "./pass-at-k.ts";

/** A mean over problems and its bootstrap interval. */
export interface Estimate extends Interval {
  readonly value: number;
}

/** Figures of a set of problems; plain JSON. */
export interface Summary {
  readonly problems: number;
  /** Answers graded, all problems together. */
  readonly samples: number;
  /** Mean over problems of the fraction of correct samples. */
  readonly averageAtK: Estimate;
  /** Unbiased pass@k, ascending in k. */
  readonly passAtK: readonly (Estimate & { readonly k: number })[];
  /** Fraction of problems whose first sample is correct. */
  readonly firstSampleAccuracy: number;
  /** Problems without a correct sample. */
  readonly solveNone: number;
  /** Problems without a wrong sample. */
  readonly solveAll: number;
}

export interface BenchmarkSummary<Label extends string | number = string | number> {
  readonly overall: Summary;
  /** One entry per label, in order of first appearance; empty without `labels`. */
  readonly byLabel: readonly (Summary & { readonly label: Label })[];
}

export interface SummarizeOptions<Label extends string | number> extends BootstrapOptions {
  readonly table: OutcomeTable;
  /** [problems]: level, source or any other label of each problem. */
  readonly labels?: ArrayLike<Label>;
  /** Values of k for pass@k. Default: powers of two up to the fewest samples of any problem. */
  readonly passAt?: readonly number[];
}

/**
 * Returns avg@k, pass@k and their bootstrap intervals over problems, for all problems and for each label. Each set's
 * intervals depend on its own problems and the seed only.
 *
 * @throws DataError, ShapeError on a table that is none or labels of another length.
 * @throws ConfigError on a k above some problem's samples, or bootstrap options that are none.
 * @example summarize({ table: outcomeTable([[1, 0], [1, 1]]), labels: ["easy", "hard"], seed: 1 }).overall.averageAtK.value // 0.75
 */
export function summarize<Label extends string | number = string | number>(options: SummarizeOptions<Label>): BenchmarkSummary<Label> {
  const who = "summarize";
  const { table, labels } = options;
  const counts = countOutcomes(who, table);
  const passAt = checkPassAt(who, options.passAt ?? powersOfTwo(Math.min(...counts.samples)));
  const overall = summarizeCounts(who, counts, passAt, options);
  if (labels === undefined) return { overall, byLabel: [] };

  if (labels.length !== counts.problems) {
    throw new ShapeError({
      who,
      argument: "labels",
      expected: `one per problem (${counts.problems})`,
      received: `${labels.length}`,
    });
  }
  const problemsOf = new Map<Label, number[]>();
  for (let problem = 0; problem < counts.problems; problem++) {
    const label = labels[problem]!;
    const problems = problemsOf.get(label);
    if (problems === undefined) problemsOf.set(label, [problem]);
    else problems.push(problem);
  }
  const byLabel = [...problemsOf].map(([label, problems]) => ({
    label,
    ...summarizeCounts(who, selectProblems(counts, problems), passAt, options),
  }));
  return { overall, byLabel };
}

function summarizeCounts(who: string, counts: ProblemCounts, passAt: readonly number[], options: BootstrapOptions): Summary {
  const estimate = (perProblem: Float64Array): Estimate => ({
    value: mean(perProblem),
    ...bootstrapInterval(perProblem, options),
  });
  const averages = problemAverages(counts);
  return {
    problems: counts.problems,
    samples: counts.samples.reduce((a, b) => a + b, 0),
    averageAtK: estimate(averages),
    passAtK: passAt.map((k) => ({ k, ...estimate(problemPassAtK(who, counts, k)) })),
    firstSampleAccuracy: mean(Float64Array.from(counts.first)),
    solveNone: averages.filter((average) => average === 0).length,
    solveAll: averages.filter((average) => average === 1).length,
  };
}

function checkPassAt(who: string, passAt: readonly number[]): readonly number[] {
  for (const k of passAt) {
    if (!Number.isInteger(k) || k < 1)
      throw new ConfigError({
        who,
        argument: "passAt",
        expected: "positive integers",
        received: String(k),
      });
  }
  return passAt.toSorted((a, b) => a - b);
}

function powersOfTwo(limit: number): number[] {
  const powers: number[] = [];
  for (let k = 1; k <= limit; k *= 2) powers.push(k);
  return powers;
}
