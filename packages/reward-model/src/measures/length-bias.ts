// Does a reward model take length for quality?
import { ShapeError } from "@longcot/errors";
import { pairMargins } from "./pair-measures.ts";
import type { PairScores } from "./pair-measures.ts";

/** Pairs of one kind and how many of them the scores order rightly; `accuracy` is absent where there are none. */
export interface LengthSlice {
  readonly pairs: number;
  readonly accuracy?: number;
}

export interface LengthBias {
  /** Of pairs whose sides differ in length: the share where the longer one is the chosen one, and where the scores prefer it. Absent without such pairs. */
  readonly longerIsChosen?: number;
  readonly longerIsPreferred?: number;
  /** Pearson's correlation of score difference and length difference over pairs; absent where one of them does not vary. */
  readonly correlation?: number;
  readonly chosenLonger: LengthSlice;
  readonly chosenShorter: LengthSlice;
  readonly equalLength: LengthSlice;
}

/**
 * Returns how scores go with length. Without bias `longerIsPreferred` is `longerIsChosen`, and accuracy is the same whichever side is longer.
 *
 * @param lengths tokens of both sides, [pairs] each.
 * @throws as `pairAccuracy`; ShapeError where lengths are not one a pair.
 */
export function lengthBias(
  scores: PairScores,
  lengths: { readonly chosen: ArrayLike<number>; readonly rejected: ArrayLike<number> },
): LengthBias {
  const who = "lengthBias";
  const margins = pairMargins(who, scores);
  for (const [side, values] of Object.entries(lengths))
    if (values.length !== margins.length)
      throw new ShapeError({
        who,
        argument: `lengths.${side}`,
        expected: `one per pair (${margins.length})`,
        received: String(values.length),
      });
  const longer = Float64Array.from(margins, (_, pair) => lengths.chosen[pair]! - lengths.rejected[pair]!);
  const right = (margin: number): number => (margin > 0 ? 1 : margin === 0 ? 0.5 : 0);
  const slice = (belongs: (difference: number) => boolean): LengthSlice => {
    const chosen = Array.from(margins).filter((_, pair) => belongs(longer[pair]!));
    const accuracy = chosen.length === 0 ? {} : { accuracy: chosen.reduce((sum, margin) => sum + right(margin), 0) / chosen.length };
    return { pairs: chosen.length, ...accuracy };
  };
  const chosenLonger = slice((difference) => difference > 0);
  const chosenShorter = slice((difference) => difference < 0);
  const differing = chosenLonger.pairs + chosenShorter.pairs;
  const preferred = chosenLonger.pairs * (chosenLonger.accuracy ?? 0) + chosenShorter.pairs * (1 - (chosenShorter.accuracy ?? 1));
  const correlation = pearson(margins, longer);
  return {
    ...(differing === 0 ? {} : { longerIsChosen: chosenLonger.pairs / differing, longerIsPreferred: preferred / differing }),
    ...(correlation === undefined ? {} : { correlation }),
    chosenLonger,
    chosenShorter,
    equalLength: slice((difference) => difference === 0),
  };
}

function pearson(a: Float64Array, b: Float64Array): number | undefined {
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, i) => {
    ab += (value - ma) * (b[i]! - mb);
    aa += (value - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  });
  return aa === 0 || bb === 0 ? undefined : ab / Math.sqrt(aa * bb);
}
