// Weights, masks and metrics against fixtures/rollout-correction.json: verl 0.9.1's own function in float64 (its `reference`), made by
// calling it once per entry of `cases` with the entry's `params` on the three columns beside them.
import { readFileSync } from "node:fs";

import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, test } from "vitest";

import { paddedLayout } from "../token-layout.ts";
import { importanceWeights } from "./importance-weights.ts";
import { offPolicyMetrics } from "./off-policy-metrics.ts";
import { rejectRolloutTokens } from "./rollout-rejection.ts";
import type { RejectionCriterion } from "./rollout-rejection.ts";

type Grid = number[][];
interface Golden {
  response_mask: Grid;
  old_log_probs: Grid;
  rollout_log_probs: Grid;
  cases: {
    params: {
      rollout_is?: "token" | "sequence";
      rollout_is_threshold?: number | string;
      rollout_is_batch_normalize?: boolean;
      rollout_rs?: string;
      rollout_rs_threshold?: number | string;
    };
    weights: Grid | null;
    mask: Grid;
    metrics: Record<string, number>;
  }[];
}
const golden = JSON.parse(readFileSync(new URL("../../fixtures/rollout-correction.json", import.meta.url), "utf8")) as Golden;
const columns = {
  oldLogProbs: golden.old_log_probs.flat(),
  rolloutLogProbs: golden.rollout_log_probs.flat(),
  ...paddedLayout(golden.response_mask.length, golden.response_mask[0]!.length, golden.response_mask.flat()),
};
/** verl takes some statistics through float32. */
const close = { atol: 1e-6, rtol: 1e-6 };

const bounds = (threshold: number | string): { high: number; low?: number } => {
  const [first, second] = String(threshold).split("_").map(Number) as [number, number?];
  return second === undefined ? { high: first } : { low: first, high: second };
};

test.each(golden.cases)("$params", ({ params, weights, mask, metrics }) => {
  const got: Record<string, number> = { ...offPolicyMetrics(columns) };
  if (params.rollout_is !== undefined) {
    const result = importanceWeights({
      ...columns,
      ...bounds(params.rollout_is_threshold ?? 2),
      level: params.rollout_is,
      normalize: params.rollout_is_batch_normalize,
    });
    expectClose(result.weights, weights!.flat(), close);
    Object.assign(got, result.metrics);
  }
  if (params.rollout_rs !== undefined) {
    const thresholds = String(params.rollout_rs_threshold).split(",");
    const rules = params.rollout_rs
      .split(",")
      .map((criterion, i) => ({ criterion: criterion as RejectionCriterion, ...bounds(thresholds[i]!) }));
    const result = rejectRolloutTokens({ ...columns, rules });
    expectClose(result.mask, mask.flat(), { atol: 0 });
    Object.assign(got, result.metrics);
  }
  for (const [name, value] of Object.entries(got)) expectClose([value], [metrics[name]!], close, name);
  expect(Object.keys(got).length).toBeGreaterThan(12);
});
