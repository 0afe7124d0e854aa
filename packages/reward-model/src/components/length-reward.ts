// Short answers over long ones, among the answers to one problem.
import { ShapeError } from "@longcot/errors";

/**
 * Returns λ = 0.5 − (length − shortest) / (longest − shortest) of a response's group where it is right, min(0, λ) where it is wrong: right answers
 * gain up to 0.5 by being short, wrong ones only lose by being long. 0 in a group whose responses are all of one length.
 *
 * Shapes: `lengths` (tokens), `correct` and the result [rows], groups of `groupSize` rows.
 *
 * @throws ShapeError where the rows do not divide into groups, or the columns differ in length.
 * Source: the length reward of Kimi k1.5, arXiv 2501.12599 §2.3.3.
 * @example lengthReward({ lengths: [10, 20, 30], correct: [true, true, false], groupSize: 3 }) // [0.5, 0, -0.5]
 */
export function lengthReward({
  lengths,
  correct,
  groupSize,
}: {
  readonly lengths: ArrayLike<number>;
  readonly correct: readonly boolean[];
  readonly groupSize: number;
}): Float64Array {
  const rows = lengths.length;
  if (rows !== correct.length || rows % groupSize !== 0)
    throw new ShapeError({
      who: "lengthReward",
      argument: "lengths",
      expected: `as many as correct (${correct.length}), a multiple of ${groupSize}`,
      received: String(rows),
    });
  const rewards = new Float64Array(rows);
  for (let from = 0; from < rows; from += groupSize) {
    const group = Array.from({ length: groupSize }, (_, i) => lengths[from + i]!);
    const shortest = Math.min(...group);
    const span = Math.max(...group) - shortest;
    if (span === 0) continue;
    group.forEach((length, i) => {
      const lambda = 0.5 - (length - shortest) / span;
      rewards[from + i] = correct[from + i] === true ? lambda : Math.min(0, lambda);
    });
  }
  return rewards;
}
