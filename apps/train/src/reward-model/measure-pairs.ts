// What a reward model makes of pairs: accuracy, calibration, length bias.
import { bootstrapInterval } from "@longcot/evaluation";
import type { Interval } from "@longcot/evaluation";
import { sequenceScores } from "@longcot/language-model";
import type { ScalarModel } from "@longcot/language-model";
import { lengthBias, pairAccuracy, pairCalibration } from "@longcot/reward-model";
import type { Calibration, LengthBias, PairAccuracy } from "@longcot/reward-model";
import type { EncodedPair } from "./pair-data.ts";

/** Plain JSON. */
export interface PairMeasures extends PairAccuracy {
  /** 95% bootstrap interval over pairs. */
  accuracyInterval: Interval;
  calibration: Calibration;
  lengthBias: LengthBias;
  /** [pairs] each: scores, and tokens of the answers. */
  scores: { chosen: number[]; rejected: number[] };
  lengths: { chosen: number[]; rejected: number[] };
}

export async function measurePairs(
  model: ScalarModel,
  pairs: readonly EncodedPair[],
  { batchTokens, onProgress }: { batchTokens?: number; onProgress: (progress: { done: number; total: number }) => void },
): Promise<PairMeasures> {
  const sequences = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const all = await sequenceScores(model, sequences, { ...(batchTokens === undefined ? {} : { batchTokens }), onProgress });
  const scores = { chosen: Array.from(pairs, (_, i) => all[2 * i]!), rejected: Array.from(pairs, (_, i) => all[2 * i + 1]!) };
  const right = scores.chosen.map((score, i) => (score > scores.rejected[i]! ? 1 : score === scores.rejected[i]! ? 0.5 : 0));
  const lengths = { chosen: pairs.map(({ chosenLength }) => chosenLength), rejected: pairs.map(({ rejectedLength }) => rejectedLength) };
  return {
    ...pairAccuracy(scores),
    accuracyInterval: bootstrapInterval(right, { seed: 0 }),
    calibration: pairCalibration(scores),
    lengthBias: lengthBias(scores, lengths),
    scores,
    lengths,
  };
}
