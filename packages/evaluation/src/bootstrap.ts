// Percentile bootstrap of a mean over problems: how far would the figure move with other problems of the same kind?
import { ConfigError, NumericError } from "@longcot/errors";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** How an interval is drawn. */
export interface BootstrapOptions {
  /** 32-bit integer; the same seed and values give the same interval. */
  readonly seed: number;
  /** Resamples drawn. Default 2000. */
  readonly resamples?: number;
  /** Coverage aimed at, between 0 and 1. Default 0.95. */
  readonly confidence?: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Returns the percentile interval of the mean of `values`: problems are drawn with replacement `resamples` times, the
 * bounds are the quantiles (linear interpolation) of the resampled means. It speaks of the choice of problems;
 * fewer than about 20 problems make it too narrow, and one problem, or equal values, make it a point.
 *
 * @throws NumericError without values or on one that is not finite. @throws ConfigError on options that are none.
 * Source: Efron 1979; generator xoroshiro128+.
 */
export function bootstrapInterval(values: ArrayLike<number>, options: BootstrapOptions): Interval {
  const who = "bootstrapInterval";
  const { seed, resamples = 2000, confidence = 0.95 } = options;
  const count = values.length;
  if (count === 0) throw new NumericError({ who, argument: "values", expected: "at least one", received: "none" });
  for (let i = 0; i < count; i++) {
    if (!Number.isFinite(values[i]))
      throw new NumericError({
        who,
        argument: `values[${i}]`,
        expected: "a finite number",
        received: String(values[i]),
      });
  }
  if ((seed | 0) !== seed)
    throw new ConfigError({
      who,
      argument: "seed",
      expected: "a 32-bit integer",
      received: String(seed),
    });
  if (!Number.isInteger(resamples) || resamples < 100) {
    throw new ConfigError({
      who,
      argument: "resamples",
      expected: "an integer of at least 100",
      received: String(resamples),
    });
  }
  if (!(confidence > 0 && confidence < 1))
    throw new ConfigError({
      who,
      argument: "confidence",
      expected: "between 0 and 1",
      received: String(confidence),
    });

  const random = xoroshiro128plus(seed);
  const means = new Float64Array(resamples);
  for (let resample = 0; resample < resamples; resample++) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[uniformInt(random, 0, count - 1)]!;
    means[resample] = sum / count;
  }
  means.sort();
  return {
    low: quantile(means, (1 - confidence) / 2),
    high: quantile(means, (1 + confidence) / 2),
  };
}

/** Linear interpolation between the two nearest of at least one ascending values. */
function quantile(sorted: Float64Array, probability: number): number {
  const position = probability * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (position - below) * (high - low);
}
