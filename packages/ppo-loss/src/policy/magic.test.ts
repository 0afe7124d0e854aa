// magicLoss against a hand-computed case and finite differences of the formula in float64 (tfjs CPU backend, float32).
import { expectClose } from "@longcot/vitest-config/close-to";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";

import { evaluate, f32, formula, randomBatch } from "../../fixtures/token-batch.ts";
import type { Batch } from "../../fixtures/token-batch.ts";
import { policyLosses } from "../registry.ts";
import { magicLoss } from "./magic.ts";

beforeAll(async () => void (await tf.setBackend("cpu")));

describe("the worked example of the Skywork-OR1 notes", () => {
  // Surrogates .848527 (clipped at 1.2), .707106 and −.565685 (clipped at .8); the last entry of row 1 is padding.
  const batch: Batch = {
    logProbs: [
      [-0.2, -1],
      [-0.6, 7],
    ],
    oldLogProbs: [
      [-0.5, -1],
      [-0.2, -9],
    ],
    advantages: [0.7071058, -0.7071058],
    mask: [
      [1, 1],
      [1, 0],
    ],
    entropies: [
      [0.3, 0.1],
      [0.5, 100],
    ],
  };

  test("loss, bonus, metrics and gradient", () => {
    const { loss, metrics, gradLogProbs, gradEntropies } = evaluate(batch, {
      tokenDenominator: 3,
      entropyCoefficient: 0.005,
    });
    expectClose([loss, metrics.pg_loss, metrics.entropy_loss], [-0.3314827, -0.3299827, 0.3], {
      atol: 2e-7,
    });
    expectClose([metrics.pg_clipfrac, metrics.ppo_kl, metrics.ratio_max], [2 / 3, (-0.3 + 0 + 0.4) / 3, Math.exp(0.3)], f32);
    expectClose([metrics.ratio_mean], [(Math.exp(0.3) + 1 + Math.exp(-0.4)) / 3], f32);
    expectClose(gradLogProbs, [0, -0.7071058 / 3, 0, 0], { atol: 1e-7 });
    expectClose(gradEntropies, [-0.005 / 3, -0.005 / 3, -0.005 / 3, 0], { atol: 1e-9 });
  });

  test("without the bonus", () => {
    expectClose([evaluate(batch, { tokenDenominator: 3, entropyCoefficient: 0 }).loss], [-0.3299827], { atol: 2e-7 });
  });

  test("denominator and coefficient as tensors, advantages per token: the same", () => {
    const perToken = magicLoss({
      logProbs: tf.tensor2d(batch.logProbs),
      oldLogProbs: tf.tensor2d(batch.oldLogProbs),
      advantages: tf.tensor2d([
        [0.7071058, 0.7071058],
        [-0.7071058, Infinity],
      ]),
      mask: tf.tensor2d(batch.mask),
      entropies: tf.tensor2d(batch.entropies),
      tokenDenominator: tf.scalar(3),
      entropyCoefficient: tf.scalar(0.005),
    });
    expectClose(perToken.loss.dataSync(), [-0.3314827], { atol: 2e-7 });
  });
});

test.each([1, 2, 3])("gradients equal central differences of the formula in float64 (seed %i)", (seed) => {
  const batch = randomBatch(seed, 4, 5);
  const settings = {
    tokenDenominator: batch.tokens,
    entropyCoefficient: 0.01,
    clipLow: 0.2,
    clipHigh: 0.28,
  };
  const { loss, gradLogProbs, gradEntropies } = evaluate(batch, settings);
  expectClose([loss], [formula(batch, settings)], f32, "loss");
  const h = 1e-6;
  const difference = (name: "logProbs" | "entropies") =>
    batch[name].flatMap((row, i) =>
      row.map((value, t) => {
        const at = (shifted: number) => formula({ ...batch, [name]: batch[name].with(i, row.with(t, shifted)) }, settings);
        return (at(value + h) - at(value - h)) / (2 * h);
      }),
    );
  expectClose(gradLogProbs, difference("logProbs"), f32, "gradient of logProbs");
  expectClose(gradEntropies, difference("entropies"), f32, "gradient of entropies");
});

test("on-policy, the gradient is the vanilla policy gradient −A/D and nothing is clipped", () => {
  const batch = randomBatch(4);
  batch.logProbs = batch.oldLogProbs;
  const { metrics, gradLogProbs } = evaluate(batch, {
    tokenDenominator: batch.tokens,
    entropyCoefficient: 0,
  });
  const expected = batch.mask.flatMap((row, i) => row.map((kept) => (-kept * batch.advantages[i]!) / batch.tokens));
  expectClose(gradLogProbs, expected, { rtol: 1e-6 });
  expectClose([metrics.pg_clipfrac, metrics.ppo_kl, metrics.ratio_mean, metrics.ratio_max], [0, 0, 1, 1], { atol: 1e-6 });
});

test("wrong shapes, dtypes and settings are refused", () => {
  const good = {
    logProbs: tf.zeros<tf.Rank.R2>([2, 3]),
    oldLogProbs: tf.zeros<tf.Rank.R2>([2, 3]),
    advantages: tf.zeros<tf.Rank.R1>([2]),
    mask: tf.ones<tf.Rank.R2>([2, 3]),
    entropies: tf.zeros<tf.Rank.R2>([2, 3]),
    tokenDenominator: 6,
    entropyCoefficient: 0,
  };
  expect(() => magicLoss({ ...good, oldLogProbs: tf.zeros([2, 4]) })).toThrow(
    "magicLoss: oldLogProbs must be [2, 3] float32, got [2, 4] float32",
  );
  expect(() => magicLoss({ ...good, mask: tf.ones([2, 3], "int32") })).toThrow("mask must be [2, 3] float32, got [2, 3] int32");
  expect(() => magicLoss({ ...good, advantages: tf.zeros<tf.Rank.R1>([3]) })).toThrow("advantages must be [2] float32, got [3] float32");
  expect(() => magicLoss({ ...good, logProbs: tf.zeros([6]) as unknown as tf.Tensor2D })).toThrow(
    "logProbs must be [batch, time], got [6] float32",
  );
  expect(() => magicLoss({ ...good, tokenDenominator: tf.ones([1]) as unknown as tf.Scalar })).toThrow(
    "tokenDenominator must be [] float32, got [1] float32",
  );
  expect(() => magicLoss({ ...good, entropyCoefficient: Number.NaN })).toThrow(
    "entropyCoefficient must be a finite number of zero or more, got NaN",
  );
  expect(() => magicLoss({ ...good, clipLow: 1.5 })).toThrow("clipLow must be between 0 and 1, got 1.5");
  expect(() => magicLoss({ ...good, clipHigh: -0.1 })).toThrow("clipHigh must be a finite number of zero or more, got -0.1");
});

test("the registry's entry is this loss", () => {
  const batch = randomBatch(9, 2, 3);
  const settings = { tokenDenominator: batch.tokens, entropyCoefficient: 0 };
  expectClose([evaluate(batch, settings, policyLosses.magic.loss).loss], [formula(batch, settings)], f32);
});
