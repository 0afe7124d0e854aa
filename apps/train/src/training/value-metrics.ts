// What a step's values and returns say of its critic, under the names of docs/metrics.md.

import { explainedVariance } from "@longcot/ppo-loss";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { Metrics } from "../events.ts";

/** Of the rollouts' response tokens, flat in their order. */
export interface ValueColumns {
  /** V when the rollout was scored. */
  values: Float32Array;
  /** What the critic is fitted to. */
  returns: Float32Array;
}

/** Mean, largest and smallest value and return, and the variance explained, over the response tokens of the rows `kept`. */
export function valueMetrics({ values, returns }: ValueColumns, rollouts: Rollouts, kept: readonly number[]): Metrics {
  const { offsets } = rollouts.viewPerToken("response_tokens");
  const mask = new Uint8Array(values.length);
  for (const row of kept) mask.fill(1, offsets[row]!, offsets[row + 1]!);
  const explained = explainedVariance({ returns, values, offsets, mask });
  return {
    ...spread("critic/values", values, mask),
    ...spread("critic/returns", returns, mask),
    ...(Number.isNaN(explained) ? {} : { "critic/vf_explained_var": explained }),
  };
}

function spread(name: string, column: Float32Array, mask: Uint8Array): Metrics {
  let [count, sum, max, min] = [0, 0, -Infinity, Infinity];
  column.forEach((value, token) => {
    if (mask[token] === 0) return;
    count++;
    sum += value;
    max = Math.max(max, value);
    min = Math.min(min, value);
  });
  return { [`${name}/mean`]: sum / count, [`${name}/max`]: max, [`${name}/min`]: min };
}
