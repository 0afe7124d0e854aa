// best-of-n: is the sample that a score puts first the right one?
import { NumericError, ShapeError } from "@longcot/errors";

/** The samples of one problem. */
export interface ScoredProblem {
  /** [samples]: the higher, the better. */
  readonly scores: ArrayLike<number>;
  /** [samples]: whether each is right. */
  readonly correct: ArrayLike<number | boolean>;
}

/**
 * Returns per problem [problems] 1 where the sample with the highest score is right, else 0; of equal scores the first sample's counts.
 *
 * @throws ShapeError where a problem has no samples, or `scores` and `correct` differ in length. @throws NumericError on a score that is not finite.
 * @example bestOfN([{ scores: [0.1, 0.9], correct: [0, 1] }]) // [1]
 */
export function bestOfN(problems: readonly ScoredProblem[]): Uint8Array {
  const who = "bestOfN";
  return Uint8Array.from(problems, ({ scores, correct }, problem) => {
    if (scores.length === 0 || scores.length !== correct.length)
      throw new ShapeError({
        who,
        argument: `problems[${problem}].correct`,
        expected: `one per score (${scores.length}), at least one`,
        received: String(correct.length),
      });
    let best = 0;
    for (let sample = 0; sample < scores.length; sample++) {
      if (!Number.isFinite(scores[sample]))
        throw new NumericError({
          who,
          argument: `problems[${problem}].scores[${sample}]`,
          expected: "a finite number",
          received: String(scores[sample]),
        });
      if (scores[sample]! > scores[best]!) best = sample;
    }
    return Number(correct[best]);
  });
}
