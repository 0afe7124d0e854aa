// Every algorithm of this package by name.
//
// To add one: write `advantages/<name>.ts` or `policy/<name>.ts` with its function, its docstring and its test, export
// it from `index.ts`, and add one line here; recipes that name it then find it.
import { groupAdvantages } from "./advantages/group-normalized.ts";
import { magicLoss, magicMetricReductions } from "./policy/magic.ts";

/** Advantage estimators by name: rewards of a batch in, one advantage per response out. */
export const advantageEstimators = {
  "group-normalized": groupAdvantages,
} as const;

/** Policy losses by name, each with the rule by which its metrics combine over micro-batches. */
export const policyLosses = {
  magic: { loss: magicLoss, metricReductions: magicMetricReductions },
} as const;

export type AdvantageEstimatorName = keyof typeof advantageEstimators;
export type PolicyLossName = keyof typeof policyLosses;
