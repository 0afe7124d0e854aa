// Figures of one benchmark from its graded samples, for all problems and for each source or level.
import type { PromptRow } from "@longcot/data-filter";
import { bestOfN, bootstrapInterval, consensusAtK, outcomeTable, summarize, type Interval, type Summary } from "@longcot/evaluation";
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
  /** With a reward model. Is the sample that it scores highest right? And the answer with the largest sum of σ(score)? */
  bon_at_k?: Share;
  weighted_cons_at_k?: Share;
  /** bon@k − avg@k, problems paired. */
  bon_gain?: Share;
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
 * @param options.scores of a reward model, one a sample; absent: none.
 * @param samples sorted by problem and sample, the same number of each problem.
 */
export function summarizeSamples(
  rows: readonly PromptRow[],
  samples: readonly GradedSample[],
  { isSame, seed, scores }: { isSame: (a: string, b: string) => boolean; seed: number; scores?: ArrayLike<number> | undefined },
): BenchmarkFigures {
  const k = samples.length / rows.length;
  const perProblem = rows.map((_, problem) => samples.slice(problem * k, (problem + 1) * k));
  const table = outcomeTable(perProblem.map((list) => list.map(isRight)));
  const consensus = consensusAtK(
    perProblem.map((list) => ({ answers: list.map(({ extracted }) => extracted ?? undefined), correct: list.map(isRight) })),
    isSame,
  );
  const chosen = scores === undefined ? undefined : scoredChoices(perProblem, scores, isSame);
  const labels = rows.map(groupOf);
  const { overall, byLabel } = summarize({ table, labels, passAt: [k], seed });
  const figures = (group: string, summary: Summary): GroupFigures => {
    const share = (perProblemValues: ArrayLike<number>): Share => {
      const values = Array.from(perProblemValues).filter((_, problem) => group === "all" || labels[problem] === group);
      return { value: values.reduce((sum, value) => sum + value, 0) / values.length, ...bootstrapInterval(values, { seed }) };
    };
    const pass = summary.passAtK[0]!;
    return {
      group,
      problems: summary.problems,
      avg_at_k: { ...summary.averageAtK },
      pass_at_k: { value: pass.value, low: pass.low, high: pass.high },
      cons_at_k: share(consensus),
      ...(chosen === undefined
        ? {}
        : { bon_at_k: share(chosen.best), weighted_cons_at_k: share(chosen.weighted), bon_gain: share(chosen.gain) }),
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

/** Per problem: is what the scores choose right, by the best sample and by weighted vote; and the former against the mean sample. */
function scoredChoices(
  perProblem: readonly (readonly GradedSample[])[],
  scores: ArrayLike<number>,
  isSame: (a: string, b: string) => boolean,
) {
  let start = 0;
  const problems = perProblem.map((list) => {
    const own = Array.from(list, (_, i) => scores[start + i]!);
    start += list.length;
    return { answers: list.map(({ extracted }) => extracted ?? undefined), correct: list.map(isRight), scores: own };
  });
  const best = bestOfN(problems);
  const weights = (own: readonly number[]): number[] => own.map((score) => 1 / (1 + Math.exp(-score)));
  return {
    best,
    weighted: consensusAtK(
      problems.map((problem) => ({ ...problem, weights: weights(problem.scores) })),
      isSame,
    ),
    gain: problems.map(({ correct }, problem) => best[problem]! - correct.filter(Boolean).length / correct.length),
  };
}
