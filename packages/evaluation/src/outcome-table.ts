// Right and wrong answers of a model on a benchmark: one row per problem, one entry per sample.
import { DataError, ShapeError } from "@longcot/errors";

/**
 * Outcomes of `samples` answers per problem, flat, problem by problem, samples in the order they were drawn.
 * Use {@link outcomeTable} to make one from rows.
 */
export interface OutcomeTable {
  /** [all samples]: 1 for a correct answer, 0 for any other. */
  readonly correct: ArrayLike<number>;
  /** Samples of each problem: one number for all, or [problems]. At least 1 each. */
  readonly samples: number | ArrayLike<number>;
  /** [problems], optional: names that let {@link compareRuns} check that two tables are about the same problems. */
  readonly ids?: ArrayLike<string | number>;
}

/** What the metrics need of each problem. */
export interface ProblemCounts {
  readonly problems: number;
  /** [problems]. */
  readonly samples: Int32Array;
  /** [problems]: number of correct samples. */
  readonly correct: Int32Array;
  /** [problems]: whether the first sample is correct. */
  readonly first: Uint8Array;
}

/** Returns the table of `rows[problem][sample]`; rows may differ in length. Values are copied. */
export function outcomeTable(rows: ArrayLike<ArrayLike<number | boolean>>, ids?: ArrayLike<string | number>): OutcomeTable {
  const list = Array.from(rows, (row) => Array.from(row, Number));
  const table = {
    correct: Float64Array.from(list.flat()),
    samples: Int32Array.from(list, (row) => row.length),
  };
  return ids === undefined ? table : { ...table, ids };
}

/**
 * Returns the counts of a table.
 *
 * @throws DataError on an outcome that is neither 0 nor 1, a problem without samples, or a table without problems.
 * @throws ShapeError when `correct`, `samples` and `ids` do not fit together.
 */
export function countOutcomes(who: string, table: OutcomeTable): ProblemCounts {
  const { correct: outcomes, ids } = table;
  const samples = samplesPerProblem(who, table);
  const problems = samples.length;
  if (problems === 0)
    throw new DataError({
      who,
      argument: "table",
      expected: "at least one problem",
      received: "none",
    });
  if (ids !== undefined && ids.length !== problems) {
    throw new ShapeError({
      who,
      argument: "ids",
      expected: `one per problem (${problems})`,
      received: `${ids.length}`,
    });
  }
  const correct = new Int32Array(problems);
  const first = new Uint8Array(problems);
  let position = 0;
  for (let problem = 0; problem < problems; problem++) {
    first[problem] = outcomes[position]!;
    for (let sample = 0; sample < samples[problem]!; sample++, position++) {
      const outcome = outcomes[position]!;
      if (outcome !== 0 && outcome !== 1) {
        throw new DataError({
          who,
          argument: `correct of problem ${problem}, sample ${sample}`,
          expected: "0 or 1",
          received: String(outcome),
        });
      }
      correct[problem]! += outcome;
    }
  }
  return { problems, samples, correct, first };
}

/** Returns the counts of some problems, in the order of `problems`. */
export function selectProblems(counts: ProblemCounts, problems: readonly number[]): ProblemCounts {
  return {
    problems: problems.length,
    samples: Int32Array.from(problems, (problem) => counts.samples[problem]!),
    correct: Int32Array.from(problems, (problem) => counts.correct[problem]!),
    first: Uint8Array.from(problems, (problem) => counts.first[problem]!),
  };
}

function samplesPerProblem(who: string, { correct, samples }: OutcomeTable): Int32Array {
  if (typeof samples === "number") {
    if (!Number.isInteger(samples) || samples < 1 || correct.length % samples !== 0) {
      throw new ShapeError({
        who,
        argument: "samples",
        expected: `a divisor of the ${correct.length} outcomes`,
        received: String(samples),
      });
    }
    return new Int32Array(correct.length / samples).fill(samples);
  }
  let total = 0;
  for (let problem = 0; problem < samples.length; problem++) {
    const count = samples[problem]!;
    if (!Number.isInteger(count) || count < 1) {
      throw new DataError({
        who,
        argument: `samples of problem ${problem}`,
        expected: "at least 1",
        received: String(count),
      });
    }
    total += count;
  }
  if (total !== correct.length) {
    throw new ShapeError({
      who,
      argument: "samples",
      expected: `numbers that add up to the ${correct.length} outcomes`,
      received: `a sum of ${total}`,
    });
  }
  return Int32Array.from(samples);
}
