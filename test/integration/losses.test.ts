// Losses, estimators and their terms in whole runs: from the reference run's model and data, two steps each, held to the package by what the
// rollout files say.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import { loadRecipe } from "@longcot/train/src/recipe/load-recipe.ts";
import type { Metrics } from "@longcot/train/src/events.ts";
import { rolloutPath } from "@longcot/train/src/run/rollout-store.ts";
import { loadLanguageModel, topLogProbs } from "@longcot/language-model";
import { advantageEstimators, klEstimate, lossReduction, optimalTokenBaselineAdvantages, outcomeTokenRewards } from "@longcot/ppo-loss";
import { readRolloutFile } from "@longcot/rollout-buffer";
import type { Rollouts } from "@longcot/rollout-buffer";
import { openEngine } from "@longcot/tensor-kernels";
import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, inject, test } from "vitest";
import { runLongcot, startLongcot, TINY_RECIPE } from "./longcot-process.ts";
import { hashFiles, readOutcome } from "./run-outcome.ts";
import { scratchFolder } from "./scratch-folder.ts";

const { run: reference } = inject("reference");
const scratch = scratchFolder();
const model = join(reference, "checkpoints", "step-000004", "model");
const FROM_MODEL = [
  `model=${model}`,
  `data={train: ${join(reference, "data", "train.parquet")}, max_prompt_length: 16}`,
  "cold_start=null",
  "online_filter=null",
  "stages=[{name: only, steps: 2, context_length: 16, batch_size: 4, mini_batch_size: 4, group_size: 4}]",
  "evaluation={samples_per_prompt: 1}",
  "engine.threads=1",
];

/** Two steps (or another number of them) from the reference run's model; returns its folder, metrics and rollouts. */
async function train(name: string, ...sets: string[]): Promise<{ run: string; metrics: Metrics[]; rollouts: Rollouts[] }> {
  const run = join(scratch, name);
  const flags = [...FROM_MODEL, ...sets].flatMap((set) => ["--set", set]);
  const finished = await runLongcot("train", "--recipe", TINY_RECIPE, "--run", run, "--json", ...flags);
  expect({ name, ...finished }).toMatchObject({ name, code: 0, stderr: "" });
  const metrics = readLog<Metrics>(join(run, "metrics.jsonl"));
  return { run, metrics, rollouts: await Promise.all(metrics.map((_, i) => readRolloutFile(rolloutPath(run, i + 1)))) };
}

const groupsOf = (rollouts: Rollouts): number[] =>
  [...rollouts.groups()].flatMap(({ from, to }, group) => Array.from({ length: to - from }, () => group));
const lengthsOf = (rollouts: Rollouts): number[] => [...rollouts.lists("response_tokens")].map((tokens) => tokens.length);

test("losses and estimators of one advantage a response: the file's advantages are the package's, and so is the loss at ratio 1", async () => {
  const pairs = [
    ["gspo", "rloo"],
    ["dr-grpo", "gpg"],
    ["kl-cov", "reinforce++-baseline"],
  ] as const;
  for (const [loss, estimator] of pairs) {
    const { metrics, rollouts: files } = await train(
      loss,
      `loss.name=${loss}`,
      `advantages.estimator=${estimator}`,
      "rejection.zero_advantage=false",
    );
    const { aggregation } = loadRecipe({ source: TINY_RECIPE, sets: [`loss.name=${loss}`] }).recipe.loss;
    for (const [i, rollouts] of files.entries()) {
      const lengths = lengthsOf(rollouts);
      const options = { rewards: rollouts.viewPerRow("reward"), lengths, groups: groupsOf(rollouts) };
      const { advantages } = (advantageEstimators[estimator].estimate as (o: typeof options) => { advantages: Float64Array })(options);
      expectClose(rollouts.viewPerRow("advantage"), advantages, { rtol: 1e-6, atol: 1e-6 });
      const { rowWeights } = lossReduction({ aggregation, lengths, scaleFactor: 16 });
      const pgLoss = -advantages.reduce((sum, advantage, row) => sum + advantage * rowWeights[row]! * lengths[row]!, 0);
      expectClose([metrics[i]!["actor/pg_loss"]!], [pgLoss], { atol: 2e-5 });
      expectClose([metrics[i]!["actor/ppo_kl"]!, metrics[i]!["actor/pg_clipfrac"] ?? 0], [0, 0], { atol: 1e-4 });
    }
  }
});

test("advantages per token, several updates, chosen tokens, masks and weights: everything is finite and logged under documented names", async () => {
  const steps = "stages=[{name: only, steps: 2, context_length: 16, batch_size: 4, mini_batch_size: 2, group_size: 4, reuse: 2}]";
  const { metrics } = await train(
    "tokens",
    steps,
    "loss={name: clip-cov, micro_batch_tokens: 64, mini_batches: token_balanced, cov_low: -1, cov_ratio: 0.2}",
    "advantages.estimator=reinforce++",
    "rejection.zero_advantage=false",
    "entropy={controller: constant, coefficient: 0.01, top_tokens: 0.2}",
    "rollout_correction={importance_weights: {low: 0.5}, rejection: [{criterion: seq_max_k3, high: 0.1}]}",
  );
  expect(metrics).toHaveLength(2);
  for (const step of metrics) {
    // A fifth of the tokens is chosen and has no gradient.
    expect(step["actor/pg_clipfrac"]).toBeGreaterThan(0.1);
    expect(step["actor/pg_clipfrac"]).toBeLessThanOrEqual(0.2);
    expectClose([step["rollout_corr/rollout_is_mean"]!, step["rollout_corr/rollout_rs_masked_fraction"]!], [1, 0], { atol: 1e-4 });
    expect(step["actor/entropy_loss"]).toBeLessThan(step["entropy/mean"]!);
  }
  const greedy = await train("greedy", "loss={name: cispo}", "advantages.estimator=remax", "rejection.zero_advantage=false");
  for (const [i, rollouts] of greedy.rollouts.entries()) {
    const rewards = rollouts.viewPerRow("reward");
    // The reward less that of the greedy answer: 0 or 1, one for the group.
    for (const { from, to } of rollouts.groups())
      expect(
        new Set(Array.from({ length: to - from }, (_, j) => rewards[from + j]! - rollouts.viewPerRow("advantage")[from + j]!)).size,
      ).toBe(1);
    expect(greedy.metrics[i]!["actor/grad_norm"]).toBeGreaterThanOrEqual(0);
  }
});

test("KL to the policy before the first step: in the loss, and in the reward with a coefficient that a resumed run goes on with", async () => {
  // The entropy's gradient moves the weights even where the first step draws no right response.
  const entropy = "entropy={controller: constant, coefficient: 0.01}";
  const lost = await train("kl-loss", "kl={in: loss, coefficient: 0.1, estimator: k3}", "rejection.zero_advantage=false", entropy);
  expectClose([lost.metrics[0]!["actor/kl_loss"]!], [0], { atol: 1e-6 });
  expect(lost.metrics[1]!["actor/kl_loss"]).toBeGreaterThan(1e-6);
  const second = lost.rollouts[1]!;
  const { values: old } = second.viewPerToken("old_log_probs");
  const { values: ref } = second.viewPerToken("ref_log_probs");
  const k3 = Array.from(old, (value, token) => klEstimate(value - ref[token]!, "k3"));
  expectClose([lost.metrics[1]!["actor/kl_loss"]!], [k3.reduce((sum, value) => sum + value, 0) / k3.length], { rtol: 1e-3, atol: 1e-7 });

  const sets = ["kl={in: reward, coefficient: 0.2, adaptive: {target: 0.001, horizon: 100}}", "optimizer.learning_rate=0.003"];
  const own = join(scratch, "kl-whole");
  const flags = (run: string) => ["--recipe", TINY_RECIPE, "--run", run, "--json", ...sets.flatMap((set) => ["--set", set])];
  expect(await runLongcot("train", ...flags(own))).toMatchObject({ code: 0, stderr: "" });
  const metrics = readLog<Metrics>(join(own, "metrics.jsonl"));
  // The first step's KL is 0, far below the target: the coefficient falls by a fifth of 16 responses over a horizon of 100.
  expectClose(
    metrics.slice(0, 2).map((step) => step["actor/reward_kl_penalty_coeff"]!),
    [0.2, 0.2 * (1 - (0.2 * 16) / 100)],
    { rtol: 1e-9 },
  );
  expect(Object.keys(hashFiles(own))).toContain("reference/model.safetensors");
  const interrupted = join(scratch, "kl-resumed");
  const killed = await startLongcot(["train", ...flags(interrupted)], { stopAt: { moment: [3, "update", 0], signal: "SIGKILL" } }).done;
  expect(killed.signal).toBe("SIGKILL");
  expect(await runLongcot("train", "--resume", "--run", interrupted, "--json")).toMatchObject({ code: 0, stderr: "" });
  expect(readOutcome(interrupted)).toEqual(readOutcome(own));
});

test("what a loss or an estimator takes of the whole distribution is that of the weights before the update", async () => {
  const { run, metrics, rollouts } = await train(
    "distribution",
    "kl={in: loss, coefficient: 0.1, estimator: full}",
    "entropy={controller: constant, coefficient: 0.01, top_k: 3}",
    "advantages.estimator=optimal-token-baseline",
    "rejection.zero_advantage=false",
    "checkpoint={every: 1, keep: 3}",
  );
  expect(rollouts[1]!.has("ref_log_probs")).toBe(false);
  const rows = Array.from({ length: 16 }, (_, row) => rollouts[1]!.viewRow(row));
  const sequences = rows.map(({ promptTokens, responseTokens }) => Int32Array.from([...promptTokens, ...responseTokens]));
  const engine = await openEngine({ engine: "auto", threads: 1 });
  const distributions = async (folder: string): Promise<Float32Array[][]> => {
    const opened = await loadLanguageModel(engine, folder, { name: folder });
    const k = opened.config.vocabSize;
    const top = await topLogProbs(opened, sequences, { k, temperature: 1 });
    return rows.map(({ promptTokens, responseTokens }, row) =>
      Array.from(responseTokens, (_, t) => {
        const logProbs = new Float32Array(k);
        const from = (promptTokens.length + t) * k;
        for (let i = from; i < from + k; i++) logProbs[top[row]!.ids[i]!] = top[row]!.logProbs[i]!;
        return logProbs;
      }),
    );
  };
  const before = (await distributions(join(run, "checkpoints", "step-000001", "model"))).flat();
  const start = (await distributions(model)).flat();
  await engine.close();
  const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);
  const kl = before.map((own, t) => sum(own.map((logProb, token) => Math.exp(logProb) * (logProb - start[t]![token]!))));
  expectClose([metrics[0]!["actor/kl_loss"]!], [0], { atol: 1e-6 });
  expect(metrics[1]!["actor/kl_loss"]).toBeGreaterThan(1e-6);
  expectClose([metrics[1]!["actor/kl_loss"]!], [sum(kl) / kl.length], { rtol: 1e-2, atol: 1e-7 });
  const topThree = before.map((own) => {
    const best = own.toSorted().slice(-3).map(Math.exp);
    const probabilities = best.map((value) => value / sum(best));
    return -sum(probabilities.map((p) => p * Math.log(p)));
  });
  expectClose([metrics[1]!["actor/entropy_loss"]!], [sum(topThree) / kl.length], { rtol: 1e-3 });

  const { offsets } = rollouts[1]!.viewPerToken("response_tokens");
  const { advantages } = optimalTokenBaselineAdvantages({
    tokenRewards: outcomeTokenRewards({ rewards: rollouts[1]!.viewPerRow("reward"), offsets }),
    oldLogProbs: rollouts[1]!.viewPerToken("old_log_probs").values,
    sumPiSquared: before.map((own) => sum(own.map((logProb) => Math.exp(2 * logProb)))),
    offsets,
    groups: groupsOf(rollouts[1]!),
  });
  const means = rows.map((_, row) => sum(advantages.slice(offsets[row], offsets[row + 1])) / (offsets[row + 1]! - offsets[row]!));
  expectClose(rollouts[1]!.viewPerRow("advantage"), means, { atol: 1e-4 });
  const refused = await runLongcot(
    "train",
    "--recipe",
    TINY_RECIPE,
    "--run",
    join(scratch, "top-k"),
    "--json",
    ...[...FROM_MODEL, "entropy={controller: constant, coefficient: 0.01, top_k: 5000}"].flatMap((set) => ["--set", set]),
  );
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toMatch(/entropy\.top_k must be at most \d+, the model's vocabulary, got 5000/);
});

test("dynamic sampling: a step draws on until its groups tell right from wrong, trains on those alone, and is the same when resumed", async () => {
  const sets = ["rejection={zero_advantage: true, refill: {max_rounds: 2}}", "advantages.estimator=reinforce++"];
  const { run, metrics, rollouts } = await train("refill", ...sets);
  for (const [i, step] of metrics.entries()) {
    const rounds = step["train/num_gen_batches"]!;
    expect(rollouts[i]!.length).toBe(16 * rounds);
    expect(rounds === 3 || step["batch/kept_groups"] === 4).toBe(true);
    // Whitened over the chosen groups alone.
    if (step["batch/kept_groups"]! > 0) expectClose([step["critic/advantages/mean"]!], [0], { atol: 1e-6 });
    const [advantages, rewards] = [rollouts[i]!.viewPerRow("advantage"), rollouts[i]!.viewPerRow("reward")];
    for (const { from, to } of rollouts[i]!.groups()) {
      const isUniform = rewards.subarray(from, to).every((reward) => reward === rewards[from]);
      const isLeftOut = advantages.subarray(from, to).every((advantage) => advantage === 0);
      expect(!isUniform || isLeftOut).toBe(true);
    }
  }
  expect(metrics.some((step) => step["train/num_gen_batches"]! > 1)).toBe(true);
  // Replayed it has the same rounds, choice and updates; a recipe that does not refill cannot take them.
  const replayed = join(scratch, "refill-replayed");
  expect(await runLongcot("train", "--replay", run, "--run", replayed, "--json")).toMatchObject({ code: 0, stderr: "" });
  expect(readOutcome(replayed)).toEqual(readOutcome(run));
  const refused = ["--run", join(scratch, "refused"), "--json", "--set", "rejection={zero_advantage: true}"];
  const fixed = await runLongcot("train", "--replay", run, ...refused);
  expect(fixed.code).toBe(1);
  expect(fixed.stderr).toMatch(
    /arrow must be 4 prompts, as stage only has, got \d+\. A run with rejection\.refill is replayed by a recipe/,
  );
  const stopped = join(scratch, "refill-resumed");
  const flags = [...FROM_MODEL, ...sets].flatMap((set) => ["--set", set]);
  const begin = ["train", "--recipe", TINY_RECIPE, "--run", stopped, "--json", ...flags];
  // After the first round of the first step, and once all rounds of the second are stored.
  expect((await startLongcot(begin, { stopAt: { moment: [0, "reward", 0], signal: "SIGKILL" } }).done).signal).toBe("SIGKILL");
  const resume = ["train", "--resume", "--run", stopped, "--json"];
  expect((await startLongcot(resume, { stopAt: { moment: [1, "update", 0], signal: "SIGKILL" } }).done).signal).toBe("SIGKILL");
  expect(await runLongcot(...resume)).toMatchObject({ code: 0, stderr: "" });
  expect(readOutcome(stopped)).toEqual(readOutcome(run));
});

test("with a learning rate of 0 nothing drifts: every ratio of every update is 1, and the weights stay", async () => {
  const { run, metrics } = await train(
    "still",
    "optimizer.learning_rate=0",
    "stages=[{name: only, steps: 2, context_length: 16, batch_size: 4, mini_batch_size: 1, group_size: 4, reuse: 2}]",
    "rejection.zero_advantage=false",
  );
  for (const step of metrics) {
    expectClose([step["actor/ratio_max"]!, step["actor/ratio_mean"]!], [1, 1], { atol: 1e-4 });
    expect(step["actor/pg_clipfrac"]).toBe(0);
    expect(Math.abs(step["actor/ppo_kl"]!)).toBeLessThan(1e-5);
    expect(Math.abs(step["rollout_corr/kl"]!)).toBeLessThan(1e-5);
    expect(step["rollout_corr/k3_kl"]).toBeLessThan(1e-9);
  }
  const weights = (folder: string) => readFileSync(join(folder, "model.safetensors"));
  expect(weights(join(run, "checkpoints", "step-000002", "model")).equals(weights(model))).toBe(true);
});
