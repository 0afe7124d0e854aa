// Components brought to one scale before they are weighed.

/**
 * - `none`: as it is.
 * - `sigmoid`: 1 / (1 + e^−value), for the unbounded scores of a reward model.
 * - `group`: (value − mean) / (std + 1e-6) over the responses to one prompt.
 * - `batch`: the same over all responses of the step.
 * Standard deviations are sample ones (n − 1), as those of group advantages; values that are all alike become 0.
 */
export const REWARD_NORMALIZATIONS = ["none", "sigmoid", "group", "batch"] as const;
export type RewardNormalization = (typeof REWARD_NORMALIZATIONS)[number];

const EPSILON = 1e-6;

/** The values [rows] on another scale; groups of `groupSize` rows follow each other. */
export function normalizeRewards(
  values: ArrayLike<number>,
  { normalize, groupSize }: { normalize: RewardNormalization; groupSize: number },
): Float64Array {
  const list = Float64Array.from(values);
  switch (normalize) {
    case "none":
      return list;
    case "sigmoid":
      return list.map((value) => 1 / (1 + Math.exp(-value)));
    case "group":
      for (let from = 0; from < list.length; from += groupSize) standardize(list.subarray(from, from + groupSize));
      return list;
    case "batch":
      standardize(list);
      return list;
  }
}

/** In place. */
function standardize(values: Float64Array): void {
  if (values.every((value) => value === values[0])) {
    values.fill(0);
    return;
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const scale = Math.sqrt(variance) + EPSILON;
  values.forEach((value, i) => (values[i] = (value - mean) / scale));
}
