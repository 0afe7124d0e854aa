// Effect sizes over seeds with intervals: mean of paired differences with Student's t, rank correlation with Fisher's z.
import { NumericError, ShapeError } from "@longcot/errors";

import { mean } from "./study-run.ts";

/** An estimate with its 95% interval. */
export interface Effect {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Independent values behind it: seeds, or runs. */
  readonly count: number;
}

/**
 * Returns the mean of `values`, one per seed, with Student's 95% interval (n − 1 degrees of freedom). One value has no
 * interval: its bounds are infinite.
 *
 * @throws NumericError without values, or on one that is not finite.
 */
export function meanEffect(values: readonly number[]): Effect {
  if (values.length === 0 || !values.every(Number.isFinite))
    throw new NumericError({
      who: "meanEffect",
      argument: "values",
      expected: "at least one, all finite",
      received: JSON.stringify(values),
    });
  const value = mean(values);
  const n = values.length;
  if (n === 1) return { value, low: -Infinity, high: Infinity, count: 1 };
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - value) ** 2, 0) / (n - 1));
  const half = (studentQuantile(n - 1) * deviation) / Math.sqrt(n);
  return { value, low: value - half, high: value + half, count: n };
}

/**
 * Returns Spearman's rank correlation of `x` and `y` (ties get mean ranks), with the 95% interval of Fisher's
 * transformation, variance (1 + ρ²/2) / (n − 3). Fewer than four pairs have no interval: its bounds are −1 and 1.
 *
 * @throws ShapeError when lengths differ. @throws NumericError with fewer than two pairs or when a side is constant.
 * Source: Bonett and Wright 2000, Psychometrika 65, 23–28.
 */
export function rankCorrelation(x: readonly number[], y: readonly number[]): Effect {
  const who = "rankCorrelation";
  if (x.length !== y.length) throw new ShapeError({ who, argument: "y", expected: `${x.length} values`, received: `${y.length}` });
  const [a, b] = [ranks(x), ranks(y)];
  const [ma, mb] = [mean(a), mean(b)];
  const product = (p: readonly number[], mp: number, q: readonly number[], mq: number) =>
    p.reduce((sum, value, i) => sum + (value - mp) * (q[i]! - mq), 0);
  const scale = Math.sqrt(product(a, ma, a, ma) * product(b, mb, b, mb));
  if (x.length < 2 || scale === 0)
    throw new NumericError({ who, expected: "at least two pairs that vary on both sides", received: `${x.length} pairs` });
  const value = product(a, ma, b, mb) / scale;
  if (x.length < 4 || Math.abs(value) === 1)
    return { value, low: x.length < 4 ? -1 : value, high: x.length < 4 ? 1 : value, count: x.length };
  const half = 1.959964 * Math.sqrt((1 + value ** 2 / 2) / (x.length - 3));
  return { value, low: Math.tanh(Math.atanh(value) - half), high: Math.tanh(Math.atanh(value) + half), count: x.length };
}

/** Ranks from 1; ties share their mean rank. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).toSorted((i, j) => values[i]! - values[j]!);
  const result = Array.from({ length: values.length }, () => 0);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end + 1 < order.length && values[order[end + 1]!] === values[order[start]!]) end++;
    for (let i = start; i <= end; i++) result[order[i]!] = (start + end) / 2 + 1;
    start = end + 1;
  }
  return result;
}

/** 97.5% quantiles of Student's t for 1 to 30 degrees of freedom. Source: any statistical table; scipy.stats.t.ppf(0.975, df). */
const T975 = [
  12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139, 2.200985, 2.178813, 2.160369,
  2.144787, 2.13145, 2.119905, 2.109816, 2.100922, 2.093024, 2.085963, 2.079614, 2.073873, 2.068658, 2.063899, 2.059539, 2.055529, 2.051831,
  2.048407, 2.04523, 2.042272,
];

/** Two-sided 95% quantile; beyond 30 degrees of freedom the normal one, corrected to first order in 1/df. */
function studentQuantile(degrees: number): number {
  const z = 1.959964;
  return T975[degrees - 1] ?? z + (z ** 3 + z) / (4 * degrees);
}
