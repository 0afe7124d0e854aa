// How well scores order pairs: accuracy, log loss, calibration.
import { ConfigError, NumericError, ShapeError } from "@longcot/errors";

/** Scores of both sides, [pairs] each. */
export interface PairScores {
  readonly chosen: ArrayLike<number>;
  readonly rejected: ArrayLike<number>;
}

export interface PairAccuracy {
  readonly pairs: number;
  /** Share of pairs whose chosen side scores higher; equal scores count half. */
  readonly accuracy: number;
  /** Mean of −log σ(s_chosen − s_rejected), nats. */
  readonly logLoss: number;
  /** Mean of s_chosen − s_rejected. */
  readonly margin: number;
}

/** @throws ShapeError without pairs or where the sides differ in number. @throws NumericError on a score that is not finite. */
export function pairAccuracy(scores: PairScores): PairAccuracy {
  const margins = pairMargins("pairAccuracy", scores);
  const mean = (of: (margin: number) => number): number => margins.reduce((sum, margin) => sum + of(margin), 0) / margins.length;
  return {
    pairs: margins.length,
    accuracy: mean((margin) => (margin > 0 ? 1 : margin === 0 ? 0.5 : 0)),
    // −log σ(x) = log(1 + e^−x), without overflow.
    logLoss: mean((margin) => Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin)))),
    margin: mean((margin) => margin),
  };
}

export interface ReliabilityBin {
  /** Confidences in [low, high); the last bin includes its high end. */
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
  /** Mean confidence, and share of pairs that the scores order rightly; absent in an empty bin. */
  readonly confidence?: number;
  readonly accuracy?: number;
}

export interface Calibration {
  /** Expected calibration error: Σ over bins of (pairs in it / pairs) · |accuracy − confidence|. */
  readonly ece: number;
  /** The largest of those differences. */
  readonly maxError: number;
  readonly bins: readonly ReliabilityBin[];
}

/**
 * How much the probabilities of a Bradley–Terry model can be believed. Of a pair it says that the side with the higher score is the better one with
 * probability σ(|s_chosen − s_rejected|), its confidence, between 0.5 and 1; that is held against how often it is so.
 *
 * @param options.bins of equal width over [0.5, 1]; default 10.
 * @throws as {@link pairAccuracy}; ConfigError unless `bins` is a positive integer.
 * Source: arXiv 1706.04599 eq. 3.
 */
export function pairCalibration(scores: PairScores, { bins: count = 10 }: { bins?: number } = {}): Calibration {
  const who = "pairCalibration";
  if (!Number.isInteger(count) || count < 1)
    throw new ConfigError({ who, argument: "bins", expected: "a positive integer", received: String(count) });
  const margins = pairMargins(who, scores);
  const sums = Array.from({ length: count }, () => ({ pairs: 0, confidence: 0, right: 0 }));
  for (const margin of margins) {
    const confidence = 1 / (1 + Math.exp(-Math.abs(margin)));
    const bin = sums[Math.min(count - 1, Math.floor((confidence - 0.5) * 2 * count))]!;
    bin.pairs++;
    bin.confidence += confidence;
    bin.right += margin > 0 ? 1 : margin === 0 ? 0.5 : 0;
  }
  const bins = sums.map(({ pairs, confidence, right }, i): ReliabilityBin => ({
    low: 0.5 + i / (2 * count),
    high: 0.5 + (i + 1) / (2 * count),
    pairs,
    ...(pairs === 0 ? {} : { confidence: confidence / pairs, accuracy: right / pairs }),
  }));
  const errors = bins.map(({ confidence = 0, accuracy = 0 }) => Math.abs(accuracy - confidence));
  return {
    ece: bins.reduce((sum, { pairs }, i) => sum + (pairs / margins.length) * errors[i]!, 0),
    maxError: errors.reduce((most, error) => Math.max(most, error), 0),
    bins,
  };
}

/** s_chosen − s_rejected, checked. */
export function pairMargins(who: string, { chosen, rejected }: PairScores): Float64Array {
  if (chosen.length === 0 || chosen.length !== rejected.length)
    throw new ShapeError({
      who,
      argument: "rejected",
      expected: `one per chosen score (${chosen.length}), at least one`,
      received: String(rejected.length),
    });
  return Float64Array.from(chosen, (score, pair) => {
    const margin = score - rejected[pair]!;
    if (!Number.isFinite(margin))
      throw new NumericError({
        who,
        argument: `scores of pair ${pair}`,
        expected: "finite numbers",
        received: `${score}, ${rejected[pair]}`,
      });
    return margin;
  });
}
