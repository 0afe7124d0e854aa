// The reward of a step: a weighted sum of components, each brought to scale, clipped and measured alone.
import { ConfigError, NumericError, ShapeError } from "@longcot/errors";
import { normalizeRewards } from "./normalize-rewards.ts";
import type { RewardNormalization } from "./normalize-rewards.ts";

/** How a component enters the sum. */
export interface ComponentTerm {
  /** Its part of the sum; below 0 turns a reward into a penalty. */
  readonly weight: number;
  /** Default `none`. */
  readonly normalize?: RewardNormalization | undefined;
  /** Least and most of the value after normalisation; absent: as it is. */
  readonly clip?: readonly [number, number] | undefined;
}

export interface WeightedComponent extends ComponentTerm {
  readonly name: string;
  /** [rows]: as the component gives them. */
  readonly values: ArrayLike<number>;
}

/** Over all rows: the values as given, and what came into the sum. */
export interface ComponentStatistics {
  readonly mean: number;
  /** Population standard deviation. */
  readonly std: number;
  readonly max: number;
  readonly min: number;
  /** Mean of weight · clip(normalize(value)). */
  readonly contribution: number;
  /** Share of rows that the clip changed; absent without a clip. */
  readonly clipRatio?: number;
}

export interface CombinedRewards {
  /** [rows]. */
  readonly rewards: Float64Array;
  readonly components: Readonly<Record<string, ComponentStatistics>>;
}

/**
 * Returns reward = Σ over components of weight · clip(normalize(value)), per row, and each component's statistics.
 *
 * Shapes: every component's `values` and the `rewards` are [rows]; groups of `groupSize` rows follow each other.
 * Precision: float64.
 *
 * @throws ConfigError without a component, or with two of a name, or on a clip whose ends are the wrong way round.
 * @throws ShapeError where components differ in rows, or rows do not divide into groups. @throws NumericError on a value that is not finite.
 */
export function combineRewards(components: readonly WeightedComponent[], { groupSize }: { groupSize: number }): CombinedRewards {
  const who = "combineRewards";
  const rows = components[0]?.values.length ?? 0;
  if (components.length === 0) throw new ConfigError({ who, argument: "components", expected: "at least one", received: "none" });
  if (rows === 0 || rows % groupSize !== 0)
    throw new ShapeError({ who, argument: "values", expected: `a multiple of ${groupSize}, at least one group`, received: String(rows) });
  const rewards = new Float64Array(rows);
  const statistics: Record<string, ComponentStatistics> = {};
  for (const { name, values, weight, normalize = "none", clip } of components) {
    if (name in statistics)
      throw new ConfigError({ who, argument: "components", expected: "names that differ", received: `two of ${name}` });
    checkValues(`${who}: ${name}`, values, rows);
    if (clip !== undefined && !(clip[0] < clip[1]))
      throw new ConfigError({ who: `${who}: ${name}`, argument: "clip", expected: "least below most", received: `[${clip.join(", ")}]` });
    const scaled = normalizeRewards(values, { normalize, groupSize });
    const clipped = clip === undefined ? scaled : scaled.map((value) => Math.min(Math.max(value, clip[0]), clip[1]));
    let contribution = 0;
    clipped.forEach((value, row) => {
      rewards[row]! += weight * value;
      contribution += (weight * value) / rows;
    });
    statistics[name] = {
      ...spread(values),
      contribution,
      ...(clip === undefined ? {} : { clipRatio: clipped.filter((value, row) => value !== scaled[row]).length / rows }),
    };
  }
  return { rewards, components: statistics };
}

function spread(values: ArrayLike<number>): Pick<ComponentStatistics, "mean" | "std" | "max" | "min"> {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return {
    mean,
    std: Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length),
    max: list.reduce((most, value) => Math.max(most, value)),
    min: list.reduce((least, value) => Math.min(least, value)),
  };
}

function checkValues(who: string, values: ArrayLike<number>, rows: number): void {
  if (values.length !== rows) throw new ShapeError({ who, argument: "values", expected: `${rows} rows`, received: String(values.length) });
  for (let row = 0; row < rows; row++)
    if (!Number.isFinite(values[row]))
      throw new NumericError({ who, argument: `values[${row}]`, expected: "a finite number", received: String(values[row]) });
}
