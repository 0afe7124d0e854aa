// cons@k: is the answer that most of the k samples agree on the right one? Agreement is the verifier's, not that of strings.
import { ShapeError } from "@longcot/errors";

/** The samples of one problem. */
export interface ConsensusProblem {
  /** [samples]: the answer that each sample comes to; undefined where it comes to none. */
  readonly answers: readonly (string | undefined)[];
  /** [samples]: whether each is right. */
  readonly correct: ArrayLike<number | boolean>;
}

/**
 * Returns 1 where the largest class of equal answers is a right one, else 0, per problem [problems]. Of classes of one size the one that came first
 * counts; a problem whose samples come to no answer has 0. An answer belongs to the first class whose first member it equals.
 *
 * @param isSame whether two answers are equal; symmetric.
 * @throws ShapeError where a problem's `answers` and `correct` differ in length.
 * Source: majority vote of self-consistency, arXiv 2203.11171.
 * @example consensusAtK([{ answers: ["1", "1.0", "3"], correct: [1, 1, 0] }], (a, b) => Number(a) === Number(b)) // [1]
 */
export function consensusAtK(problems: readonly ConsensusProblem[], isSame: (a: string, b: string) => boolean): Uint8Array {
  return Uint8Array.from(problems, ({ answers, correct }, problem) => {
    if (answers.length !== correct.length)
      throw new ShapeError({
        who: "consensusAtK",
        argument: `problems[${problem}].correct`,
        expected: `one per answer (${answers.length})`,
        received: String(correct.length),
      });
    const classes: { first: string; votes: number; isCorrect: boolean }[] = [];
    for (const [sample, answer] of answers.entries()) {
      if (answer === undefined) continue;
      const known = classes.find(({ first }) => first === answer || isSame(first, answer));
      if (known !== undefined) known.votes++;
      else classes.push({ first: answer, votes: 1, isCorrect: Number(correct[sample]) === 1 });
    }
    const most = Math.max(0, ...classes.map(({ votes }) => votes));
    return classes.find(({ votes }) => votes === most)?.isCorrect === true ? 1 : 0;
  });
}
