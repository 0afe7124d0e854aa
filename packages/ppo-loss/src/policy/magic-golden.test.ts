// magicLoss from rewards and logits to gradients, against fixtures/magic.json: an independent float64 implementation of
// the paper's formulas in torch 2.15.0 (its rules are described there under `reference` and `note`).
import { readFileSync } from "node:fs";

import { expectClose } from "@longcot/vitest-config/close-to";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";

import type { TruncationMask } from "../advantages/group-estimate.ts";
import { grpoAdvantages } from "../advantages/grpo.ts";
import { lossReduction } from "../aggregation.ts";
import { rejectZeroAdvantageGroups } from "../rejection.ts";
import type { RejectionRule } from "../rejection.ts";
import { magicLoss } from "./magic.ts";

interface Case {
  name: string;
  inputs: {
    groups: string[];
    rewards: number[];
    truncated: boolean[];
    temperature: number;
    eps_low: number;
    eps_high: number;
    alpha: number;
    beta?: number;
    ref_log_probs?: number[][];
    response_mask: number[][];
    tokens: number[][];
    old_log_probs: number[][];
    logits: number[][][];
  };
  outputs: {
    truncation_mask: TruncationMask;
    rejection: RejectionRule;
    advantages: number[];
    kept_groups: string[];
    kept_tokens: number;
    log_probs: number[][];
    entropy: number[][];
    policy_loss: number;
    entropy_mean: number;
    loss: number;
    clip_fraction: number;
    ratio_mean: number;
    approx_kl: number;
    grad_logits: number[][][];
  }[];
}

const golden = JSON.parse(readFileSync(new URL("../../fixtures/magic.json", import.meta.url), "utf8")) as { cases: Case[] };

beforeAll(async () => void (await tf.setBackend("cpu")));

const runs = golden.cases.flatMap(({ name, inputs, outputs }) =>
  outputs.map((expected) => ({
    title: `${name}, truncation mask ${expected.truncation_mask}, rejection by ${expected.rejection}`,
    inputs,
    expected,
  })),
);

describe.each(runs)("$title", ({ inputs, expected }) => {
  const names = [...new Set(inputs.groups)];
  const groups = inputs.groups.map((name) => names.indexOf(name));
  const { rewards, truncated } = inputs;
  const { advantages } = grpoAdvantages({
    rewards,
    truncated,
    groups,
    truncationMask: expected.truncation_mask,
  });
  const { rowMask, keptGroups } = rejectZeroAdvantageGroups({
    rewards,
    advantages,
    groups,
    rule: expected.rejection,
  });
  const mask = inputs.response_mask.map((row, i) => row.map((value) => value * rowMask[i]!));
  const lengths = mask.map((row) => row.reduce((sum, value) => sum + value, 0));
  const { rowWeights, tokenDenominator } = lossReduction({ aggregation: "token-mean", lengths });

  test("advantages and kept groups", () => {
    expectClose(advantages, expected.advantages, { atol: 1e-12 });
    expect([...keptGroups].map((id) => names[id])).toEqual(expected.kept_groups);
    expect(tokenDenominator).toBe(expected.kept_tokens);
  });

  test("loss, metrics and gradient of the logits", () => {
    const read: Record<string, tf.Tensor> = {};
    const forward = (logits: tf.Tensor): tf.Scalar => {
      const all = tf.logSoftmax(tf.div(logits, inputs.temperature));
      const vocab = logits.shape[2]!;
      const logProbs = tf.sum<tf.Tensor2D>(tf.mul(all, tf.oneHot(tf.tensor2d(inputs.tokens, undefined, "int32"), vocab)), -1);
      const entropies = tf.neg(tf.sum<tf.Tensor2D>(tf.mul(tf.exp(all), all), -1));
      const { loss, metrics } = magicLoss({
        logProbs,
        oldLogProbs: tf.tensor2d(inputs.old_log_probs),
        advantages: tf.tensor1d([...advantages]),
        mask: tf.tensor2d(mask),
        entropies,
        rowWeights: tf.tensor1d(rowWeights),
        tokenDenominator,
        entropyCoefficient: inputs.alpha,
        clipLow: inputs.eps_low,
        clipHigh: inputs.eps_high,
        ...(inputs.beta === undefined ? {} : { klCoefficient: inputs.beta, referenceLogProbs: tf.tensor2d(inputs.ref_log_probs!) }),
      });
      Object.assign(read, metrics, { loss, logProbs, entropies });
      for (const tensor of Object.values(read)) tf.keep(tensor);
      return loss;
    };
    const { value, grad } = tf.valueAndGrad(forward as (x: tf.Tensor) => tf.Tensor)(tf.tensor3d(inputs.logits));

    const scalar = (name: string) => read[name]!.dataSync()[0]!;
    expectClose(read["logProbs"]!.dataSync(), expected.log_probs.flat(), { atol: 1e-6, rtol: 1e-6 }, "log-probs");
    expectClose(read["entropies"]!.dataSync(), expected.entropy.flat(), { atol: 1e-6, rtol: 1e-6 }, "entropies");
    expectClose(
      [value.dataSync()[0]!, scalar("pg_loss"), scalar("entropy_loss"), scalar("ratio_mean"), scalar("ppo_kl")],
      [expected.loss, expected.policy_loss, expected.entropy_mean, expected.ratio_mean, expected.approx_kl],
      { atol: 1e-6, rtol: 1e-6 },
      "loss, pg_loss, entropy_loss, ratio_mean, ppo_kl",
    );
    expectClose([scalar("pg_clipfrac")], [expected.clip_fraction], { atol: 1e-7 }, "pg_clipfrac");
    const gradient = expected.grad_logits.flat(2);
    expect(Math.max(...gradient.map(Math.abs))).toBeGreaterThan(1e-3);
    expectClose(grad.dataSync(), gradient, { atol: 1e-7, rtol: 1e-5 }, "gradient");
  });
});
