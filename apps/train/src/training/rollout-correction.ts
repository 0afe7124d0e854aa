// What is done about a sampler and a trainer that disagree on the tokens of a step: measured, weighted, left out.

import { importanceWeights, offPolicyMetrics, rejectRolloutTokens } from "@longcot/ppo-loss";
import type { RolloutLogProbs } from "@longcot/ppo-loss";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { Metrics } from "../events.ts";
import { definedOnly } from "../recipe/defined-only.ts";
import type { RolloutCorrection } from "../recipe/loss-schema.ts";

export interface CorrectedTokens {
  /** [tokens], in the order of the rollouts; absent: 1 each. */
  rolloutWeights?: Float32Array;
  /** [tokens], 1 on tokens that the loss counts; absent: on all. */
  mask?: Uint8Array;
  /** verl's `rollout_corr/*`. */
  metrics: Metrics;
}

/** Weights, mask and measures over the rows `kept` of the sealed rollouts, as the recipe asks for. */
export function correctRollouts(rollouts: Rollouts, kept: readonly number[], correction: RolloutCorrection = {}): CorrectedTokens {
  const { values: rolloutLogProbs, offsets } = rollouts.viewPerToken("rollout_log_probs");
  const isKept = new Uint8Array(rolloutLogProbs.length);
  for (const row of kept) isKept.fill(1, offsets[row]!, offsets[row + 1]!);
  const columns: RolloutLogProbs = { oldLogProbs: rollouts.viewPerToken("old_log_probs").values, rolloutLogProbs, offsets, mask: isKept };
  const { importance_weights: weights, rejection } = correction;
  const rejected = rejection === undefined ? undefined : rejectRolloutTokens({ ...columns, rules: rejection });
  const weighted = weights === undefined ? undefined : importanceWeights({ ...columns, ...definedOnly(weights) });
  const measures = { ...offPolicyMetrics(columns), ...weighted?.metrics, ...rejected?.metrics };
  return {
    ...(weighted === undefined ? {} : { rolloutWeights: Float32Array.from(weighted.weights) }),
    ...(rejected === undefined ? {} : { mask: rejected.mask }),
    metrics: Object.fromEntries(Object.entries(measures).map(([name, value]) => [`rollout_corr/${name}`, value])),
  };
}
