// cons@k: is the answer that most of the k samples agree on the right one? Agreement is the verifier's, not that of strings.
import { NumericError, ShapeError } from "@longcot/errors";

/** The samples of one problem. */
export interface ConsensusProblem {
  /** [samples]: the answer that each sample comes to; undefined where it comes to none. */
  readonly answers: readonly (string | undefined)[];
  /** [samples]: whether each is right. */
  readonly correct: ArrayLike<number | boolean>;
  /** [samples]: what each sample's vote weighs, such as a reward model's σ(score); absent: 1 each. */
  readonly weights?: ArrayLike<number>;
}

/**
 * Returns 1 where the class of equal answers with the most votes, or the largest sum of weights, is a right one, else 0, per problem [problems]. Of classes that weigh
 * the same the one that came first counts; a problem whose samples come to no answer has 0. An answer belongs to the first class whose first member it equals.
 *
 * @param isSame whether two answers are equal; symmetric.
 * @throws ShapeError where a problem's `answers` and `correct` or `weights` differ in length. @throws NumericError on a weight that is not a finite number
 * of 0 or more.
 * Source: majority vote of self-consistency, arXiv 2203.11171; weighted by a verifier, arXiv 2206.02336.
 * @example consensusAtK([{ answers: ["1", "1.0", "3"], correct: [1, 1, 0] }], (a, b) => Number(a) === Number(b)) // [1]
 */
export function consensusAtK(problems: readonly ConsensusProblem[], isSame: (a: string, b: string) => boolean): Uint8Array {
  return Uint8Array.from(problems, ({ answers, correct, weights }, problem) => {
    if (answers.length !== correct.length)
      throw new ShapeError({
        who: "consensusAtK",
        argument: `problems[${problem}].correct`,
        expected: `one per answer (${answers.length})`,
        received: String(correct.length),
      });
    if (weights !== undefined) checkWeights(weights, answers.length, problem);
    const classes: { first: string; votes: number; isCorrect: boolean }[] = [];
    for (const [sample, answer] of answers.entries()) {
      if (answer === undefined) continue;
      const known = classes.find(({ first }) => first === answer || isSame(first, answer));
      const weight = weights?.[sample] ?? 1;
      if (known !== undefined) known.votes += weight;
      else classes.push({ first: answer, votes: weight, isCorrect: Number(correct[sample]) === 1 });
    }
    const most = Math.max(0, ...classes.map(({ votes }) => votes));
    return classes.find(({ votes }) => votes === most)?.isCorrect === true ? 1 : 0;
  });
}

function checkWeights(weights: ArrayLike<number>, samples: number, problem: number): void {
  const who = "consensusAtK";
  if (weights.length !== samples)
    throw new ShapeError({
      who,
      argument: `problems[${problem}].weights`,
      expected: `one per answer (${samples})`,
      received: String(weights.length),
    });
  for (let sample = 0; sample < samples; sample++)
    if (!(weights[sample]! >= 0 && weights[sample]! < Infinity))
      throw new NumericError({
        who,
        argument: `problems[${problem}].weights[${sample}]`,
        expected: "a finite number of 0 or more",
        received: String(weights[sample]),
      });
}
