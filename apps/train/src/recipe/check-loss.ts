// The rules of a recipe about what a step learns: knobs that the chosen algorithms do not read, and what they cannot do without.
import { advantageEstimators } from "@longcot/ppo-loss";
import type { BrokenRule } from "./check-recipe.ts";
import { advantageDefaults, lossDefaults } from "./loss-schema.ts";
import type { Recipe } from "./schema.ts";

/** Keys of `loss` that every loss reads. */
const COMMON = ["name", "aggregation", "denominator", "mini_batches", "micro_batch_tokens"];

export function* lossRules(recipe: Recipe): Iterable<BrokenRule> {
  yield* policyLoss(recipe);
  yield* estimator(recipe);
  yield* referenceKl(recipe);
  yield* correction(recipe);
  yield* refill(recipe);
}

function* policyLoss({ loss }: Recipe): Iterable<BrokenRule> {
  const defaults = lossDefaults(loss.name);
  for (const [key, value] of Object.entries(loss))
    if (!COMMON.includes(key) && !(key in defaults)) yield withoutEffect(["loss", key], `loss.name ${loss.name}`, value);
  if (loss.name === "dro" && loss.dro_beta === undefined)
    yield { path: ["loss", "dro_beta"], expected: "given with loss.name dro", received: "nothing" };
  const { cov_low: low, cov_high: high } = loss;
  if (low !== undefined && high !== undefined && low >= high)
    yield { path: ["loss", "cov_low"], expected: `below loss.cov_high (${high})`, received: String(low) };
}

function* estimator({ advantages }: Recipe): Iterable<BrokenRule> {
  const { estimator: name, truncation_mask: mask } = advantages;
  const { level } = advantageEstimators[name];
  const known = ["estimator", "truncation_mask", "truncated_reward", ...Object.keys(advantageDefaults(name))];
  for (const [key, value] of Object.entries(advantages))
    if (!known.includes(key)) yield withoutEffect(["advantages", key], `advantages.estimator ${name}`, value);
  if (level === "token" && mask !== "none") yield withoutEffect(["advantages", "truncation_mask"], `advantages.estimator ${name}`, mask);
}

function* referenceKl({ kl }: Recipe): Iterable<BrokenRule> {
  if (kl === undefined) return;
  if (kl.in === "loss" && kl.adaptive !== undefined) yield withoutEffect(["kl", "adaptive"], "kl.in loss", kl.adaptive);
  if (kl.in === "reward" && kl.estimator === "full")
    yield { path: ["kl", "estimator"], expected: "one from sampled tokens where kl.in is reward", received: kl.estimator };
  if (kl.in === "reward" && kl.estimator.endsWith("+"))
    yield {
      path: ["kl", "estimator"],
      expected: `${kl.estimator.slice(0, -1)}, since a reward has no gradient for the + to change`,
      received: kl.estimator,
    };
}

function* correction({ rollout_correction: correction, advantages }: Recipe): Iterable<BrokenRule> {
  const { importance_weights: weights, rejection = [] } = correction ?? {};
  if (weights !== undefined && advantages.estimator === "optimal-token-baseline")
    yield {
      path: ["rollout_correction", "importance_weights"],
      expected: "absent, since the baseline of advantages.estimator optimal-token-baseline is for tokens of equal weight here",
      received: JSON.stringify(weights),
    };
  if (weights?.low !== undefined && weights.low > weights.high)
    yield {
      path: ["rollout_correction", "importance_weights", "low"],
      expected: `at most importance_weights.high (${weights.high})`,
      received: String(weights.low),
    };
  for (const [i, { criterion, low, high }] of rejection.entries()) {
    const path = ["rollout_correction", "rejection", i, "low"];
    if (low !== undefined && !criterion.endsWith("k1")) yield withoutEffect(path, criterion, low);
    else if (low !== undefined && low > high) yield { path, expected: `at most its high (${high})`, received: String(low) };
    else if (low === undefined && criterion.endsWith("k1") && high < 1)
      yield { path: path.with(3, "high"), expected: "at least 1, or given with low", received: String(high) };
  }
}

function* refill({ rejection }: Recipe): Iterable<BrokenRule> {
  if (rejection.refill === undefined) return;
  const path = ["rejection", "refill"];
  if (!rejection.zero_advantage) yield withoutEffect(path, "rejection.zero_advantage false", rejection.refill);
}

function withoutEffect(path: PropertyKey[], owner: string, value: unknown): BrokenRule {
  return { path, expected: `absent, since it has no effect with ${owner}`, received: JSON.stringify(value) };
}
