// Figures of one benchmark from its graded samples, for all problems and for each source or level.
import type { PromptRow } from "@longcot/data-filter";
import { bootstrapInterval, consensusAtK, outcomeTable, summarize, type Interval, type Summary } from "@longcot/evaluation";
import { groupOf } from "../training/prompts.ts";
import type { GradedSample } from "./sample-log.ts";

export interface Share extends Interval {
  value: number;
}

/** Figures of a set of problems; shares in [0, 1] with 95% bootstrap intervals over problems. */
export interface GroupFigures {
  group: string;
  problems: number;
  avg_at_k: Share;
  pass_at_k: Share;
  /** Is the answer that most samples agree on, by the verifier's equality, the right one? */
  cons_at_k: Share;
}

export interface BenchmarkFigures {
  k: number;
  overall: GroupFigures;
  /** By level, or by data source where there are no levels; empty where all problems are of one. */
  groups: GroupFigures[];
  /** Tokens; absent where they were not counted. */
  response_length?: { mean: number; max: number };
  /** Share of samples cut at the cap. */
  truncated: number;
  /** Samples by outcome. */
  outcomes: Record<string, number>;
  /** Right samples of each problem, in the order of the file. */
  correct_per_problem: number[];
}

/** Whether a sample counts as right. */
export const isRight = ({ outcome }: GradedSample): boolean => outcome === "correct";

/**
 * @param samples sorted by problem and sample, the same number of each problem.
 */
export function summarizeSamples(
  rows: readonly PromptRow[],
  samples: readonly GradedSample[],
  { isSame, seed }: { isSame: (a: string, b: string) => boolean; seed: number },
): BenchmarkFigures {
  const k = samples.length / rows.length;
  const perProblem = rows.map((_, problem) => samples.slice(problem * k, (problem + 1) * k));
  const table = outcomeTable(perProblem.map((list) => list.map(isRight)));
  const consensus = consensusAtK(
    perProblem.map((list) => ({ answers: list.map(({ extracted }) => extracted ?? undefined), correct: list.map(isRight) })),
    isSame,
  );
  const labels = rows.map(groupOf);
  const { overall, byLabel } = summarize({ table, labels, passAt: [k], seed });
  const figures = (group: string, summary: Summary): GroupFigures => {
    const votes = consensus.filter((_, problem) => group === "all" || labels[problem] === group);
    const mean = votes.reduce((sum, vote) => sum + vote, 0) / votes.length;
    const pass = summary.passAtK[0]!;
    return {
      group,
      problems: summary.problems,
      avg_at_k: { ...summary.averageAtK },
      pass_at_k: { value: pass.value, low: pass.low, high: pass.high },
      cons_at_k: { value: mean, ...bootstrapInterval(votes, { seed }) },
    };
  };
  const lengths = samples.flatMap(({ length }) => (length === null ? [] : [length]));
  const outcomes: Record<string, number> = {};
  for (const { outcome } of samples) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return {
    k,
    overall: figures("all", overall),
    groups: byLabel.length < 2 ? [] : byLabel.map((summary) => figures(summary.label, summary)),
    ...(lengths.length === samples.length
      ? {
          response_length: {
            mean: lengths.reduce((sum, length) => sum + length, 0) / lengths.length,
            max: lengths.reduce((a, b) => Math.max(a, b)),
          },
        }
      : {}),
    truncated: samples.filter(({ truncated }) => truncated).length / samples.length,
    outcomes,
    correct_per_problem: perProblem.map((list) => list.filter(isRight).length),
  };
}
