import { advantageEstimators, policyLosses } from "@longcot/ppo-loss";
import { describe, expect, test } from "vitest";
import { resolveRecipe, writeRecipe } from "./load-recipe.ts";

const BASE = `name: mine
model: models/some
data: { train: rows.parquet, max_prompt_length: 64 }
stages:
  - { name: only, steps: 3, context_length: 128, batch_size: 8, mini_batch_size: 4, group_size: 4 }
`;
const resolve = (...sets: string[]) => resolveRecipe({ text: BASE, label: "my.yaml", sets }).recipe;
const refusal = (...sets: string[]): string => {
  try {
    resolve(...sets);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the recipe was accepted");
};

describe("every algorithm of the registry is a recipe's choice, with its own defaults written out", () => {
  test.each(Object.keys(policyLosses).filter((name) => name !== "dro"))("loss %s", (name) => {
    const recipe = resolve(`loss.name=${name}`);
    expect(recipe.loss.aggregation).toBe(policyLosses[name as "magic"].aggregation);
    expect(resolveRecipe({ text: writeRecipe(recipe), label: "written" }).recipe).toEqual(recipe);
  });

  test("defaults are each loss's own", () => {
    expect(resolve("loss.name=gspo").loss).toMatchObject({ clip_low: 3e-4, clip_high: 4e-4 });
    expect(resolve("loss.name=dapo").loss).toMatchObject({ clip_low: 0.2, clip_high: 0.28 });
    expect(resolve("loss.name=ppo").loss).toMatchObject({ clip_low: 0.2, clip_high: 0.2, dual_clip: 3 });
    expect(resolve("loss.name=clip-cov").loss).toMatchObject({ cov_ratio: 2e-4, cov_low: 1, cov_high: 5 });
    expect(resolve("loss.name=sapo").loss).not.toHaveProperty("clip_low");
    expect(resolve("loss.name=dro", "loss.dro_beta=0.1").loss).toMatchObject({ dro_beta: 0.1 });
    expect(resolve("loss.name=dapo", "loss.clip_high=0.3").loss.clip_high).toBe(0.3);
  });

  test.each(Object.keys(advantageEstimators).filter((name) => name !== "gae"))("estimator %s", (name) => {
    const recipe = resolve(`advantages.estimator=${name}`);
    expect(recipe.advantages.estimator).toBe(name);
    expect(resolveRecipe({ text: writeRecipe(recipe), label: "written" }).recipe).toEqual(recipe);
  });

  test("names of verl, and of recipes from before there was more than one", () => {
    expect(resolve("loss.name=vanilla").loss.name).toBe("ppo");
    expect(resolve("loss.name=geo_mean").loss.name).toBe("geo-mean");
    expect(resolve("advantages.estimator=reinforce_plus_plus").advantages.estimator).toBe("reinforce++");
    expect(resolve("advantages.estimator=group_normalized").advantages).toEqual(resolve().advantages);
  });
});

test("gae and a critic need each other; a critic has the knobs of its kind", () => {
  const gae = "advantages.estimator=gae";
  expect(refusal(gae)).toContain(
    "advantages.estimator must be one that does not need the values of a critic, or a recipe with one, got gae",
  );
  expect(refusal("critic={}")).toContain("critic must be absent, since advantages.estimator grpo does not read its values");
  expect(resolve(gae, "critic={}")).toMatchObject({
    advantages: { gamma: 1, lambda: 1, whiten: true },
    critic: { backbone: "own", learning_rate: 1e-5, clip_value: 0.5, warmup_steps: 0 },
  });
  expect(resolve(gae, "critic={backbone: shared}").critic).toEqual({
    backbone: "shared",
    loss_coefficient: 0.5,
    clip_value: 0.5,
    warmup_steps: 0,
  });
  expect(refusal(gae, "critic={loss_coefficient: 1}")).toContain("critic.loss_coefficient must be absent, since it has no effect with");
  expect(refusal(gae, "critic={backbone: shared, learning_rate: 0.1}")).toContain(
    "critic.learning_rate must be absent, since it has no effect",
  );
  expect(resolve(gae, "critic={mini_batch_size: 2, reuse: 3}").critic).toMatchObject({ mini_batch_size: 2, reuse: 3 });
  expect(refusal(gae, "critic={mini_batch_size: 3}")).toContain(
    "critic.mini_batch_size must be a divisor of stages.0.batch_size (8), got 3",
  );
  expect(refusal(gae, "critic={backbone: shared, reuse: 2}")).toContain("critic.reuse must be absent, since it has no effect");
  expect(refusal(gae, "critic={warmup_steps: 3}")).toContain("critic.warmup_steps must be below the 3 steps of the stages");
});

test("KL has the estimator that is usual at its place", () => {
  expect(resolve("kl.in=loss").kl).toEqual({ in: "loss", coefficient: 0.001, estimator: "k3" });
  expect(resolve("kl.in=reward", "kl.adaptive={}").kl).toEqual({
    in: "reward",
    coefficient: 0.001,
    estimator: "k1",
    adaptive: { target: 0.1, horizon: 10_000 },
  });
  expect(resolve("kl.in=loss", "kl.estimator=full").kl).toMatchObject({ estimator: "full" });
});

test.each([
  [
    ["loss.name=sapo", "loss.clip_low=0.1"],
    "--set loss.clip_low: loss.clip_low must be absent, since it has no effect with loss.name sapo, got 0.1",
  ],
  [["loss.dual_clip=3"], "--set loss.dual_clip: loss.dual_clip must be absent, since it has no effect with loss.name magic, got 3"],
  [["loss.name=dro"], "loss.dro_beta must be given with loss.name dro, got nothing"],
  [["loss.name=clip-cov", "loss.cov_low=6"], "--set loss.cov_low: loss.cov_low must be below loss.cov_high (5), got 6"],
  [
    ["loss.name=gprpo"],
    "--set loss.name: loss.name must be one of magic, ppo, grpo, dr-grpo, dapo, gspo, cispo, sapo, gpg, geo-mean, clip-cov, kl-cov, dppo-tv, dppo-kl, dro",
  ],
  [["loss.cliplow=1"], "expected a known key, got loss.cliplow. Did you mean loss.clip_low?"],
  [
    ["advantages.estimator=rloo", "advantages.normalize_by_std=true"],
    "advantages.normalize_by_std must be absent, since it has no effect with advantages.estimator rloo, got true",
  ],
  [
    ["advantages.estimator=reinforce++", "advantages.truncation_mask=after"],
    'advantages.truncation_mask must be absent, since it has no effect with advantages.estimator reinforce++, got "after"',
  ],
  [["kl.in=loss", "kl.adaptive={}"], "kl.adaptive must be absent, since it has no effect with kl.in loss"],
  [["kl.in=reward", "kl.estimator=k3+"], "kl.estimator must be k3, since a reward has no gradient for the + to change, got k3+"],
  [["kl.in=reward", "kl.estimator=full"], "kl.estimator must be one from sampled tokens where kl.in is reward, got full"],
  [
    ["advantages.estimator=optimal-token-baseline", "rollout_correction.importance_weights={}"],
    "rollout_correction.importance_weights must be absent, since the baseline of advantages.estimator optimal-token-baseline is for tokens",
  ],
  [["kl.coefficient=0.1"], "kl.in must be one of loss, reward, got nothing"],
  [
    ["rollout_correction.importance_weights={low: 3}"],
    "rollout_correction.importance_weights.low must be at most importance_weights.high (2), got 3",
  ],
  [
    ["rollout_correction.rejection=[{criterion: token_k3, high: 1, low: 0.5}]"],
    "rollout_correction.rejection.0.low must be absent, since it has no effect with token_k3, got 0.5",
  ],
])("%j is refused", (sets, message) => expect(refusal(...sets)).toContain(message));
