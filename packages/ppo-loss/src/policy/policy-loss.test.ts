// What all policy losses do with their inputs: the worked example of Skywork-OR1, the optional terms, refusals, tracing (tfjs CPU, float32).
import { expectClose } from "@longcot/vitest-config/close-to";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";

import { evaluate, f32, randomBatch } from "../../fixtures/token-batch.ts";
import type { Batch } from "../../fixtures/token-batch.ts";
import { klEstimate, klEstimators } from "../kl-estimators.ts";
import { policyLosses } from "../registry.ts";
import { clipCovLoss } from "./clip-cov.ts";
import { droLoss } from "./dro.ts";
import { magicLoss } from "./magic.ts";
import { ppoLoss } from "./ppo.ts";

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

  test("MAGIC: loss, bonus, metrics and gradient", () => {
    const { loss, metrics, gradLogProbs, gradEntropies } = evaluate("magic", batch, { entropyCoefficient: 0.005 });
    expectClose([loss, metrics.pg_loss!, metrics.entropy_loss!], [-0.3314827, -0.3299827, 0.3], { atol: 2e-7 });
    expectClose([metrics.pg_clipfrac!, metrics.ppo_kl!, metrics.ratio_max!], [2 / 3, (-0.3 + 0 + 0.4) / 3, Math.exp(0.3)], f32);
    expectClose([metrics.ratio_mean!], [(Math.exp(0.3) + 1 + Math.exp(-0.4)) / 3], f32);
    expectClose(gradLogProbs, [0, -0.7071058 / 3, 0, 0], { atol: 1e-7 });
    expectClose(gradEntropies, [-0.005 / 3, -0.005 / 3, -0.005 / 3, 0], { atol: 1e-9 });
  });

  test("GRPO's mean over responses", () => {
    expectClose([evaluate("grpo", batch).loss], [-0.1060659], { atol: 2e-7 });
  });

  test("coefficients and denominators as tensors, advantages per token: the same", () => {
    const perToken = magicLoss({
      logProbs: tf.tensor2d(batch.logProbs),
      oldLogProbs: tf.tensor2d(batch.oldLogProbs),
      advantages: tf.tensor2d([
        [0.7071058, 0.7071058],
        [-0.7071058, Infinity],
      ]),
      mask: tf.tensor2d(batch.mask),
      entropies: tf.tensor2d(batch.entropies!),
      rowWeights: tf.tensor1d([1 / 3, 1 / 3]),
      tokenDenominator: tf.scalar(3),
      entropyCoefficient: tf.scalar(0.005),
    });
    expectClose(perToken.loss.dataSync(), [-0.3314827], { atol: 2e-7 });
  });
});

test.each(klEstimators)("the KL term adds β times its estimate per token, and its gradient: %s", (klEstimator) => {
  const batch = randomBatch(3, 3, 4);
  const [without, withKl] = [evaluate("ppo", batch), evaluate("ppo", batch, { klCoefficient: 0.2, klEstimator })];
  const tokens = batch.mask.flat().reduce((a, b) => a + b, 0);
  const sum = (at: (difference: number) => number): number =>
    batch.mask.reduce(
      (total, row, i) => total + row.reduce((t, kept, j) => t + kept * at(batch.logProbs[i]![j]! - batch.referenceLogProbs[i]![j]!), 0),
      0,
    );
  expectClose([withKl.metrics.kl_loss!], [sum((difference) => klEstimate(difference, klEstimator)) / tokens], f32);
  expectClose([withKl.loss - without.loss], [0.2 * withKl.metrics.kl_loss!], { atol: 1e-6 });
  const gradientOf = (difference: number): number => {
    if (klEstimator.endsWith("+")) return difference;
    const h = 1e-6;
    return (klEstimate(difference + h, klEstimator) - klEstimate(difference - h, klEstimator)) / (2 * h);
  };
  const expected = batch.mask.flatMap((row, i) =>
    row.map((kept, t) => (kept * 0.2 * gradientOf(batch.logProbs[i]![t]! - batch.referenceLogProbs[i]![t]!)) / tokens),
  );
  expectClose(
    withKl.gradLogProbs.map((value, i) => value - without.gradLogProbs[i]!),
    expected,
    { atol: 1e-6 },
  );
});

test("an exact KL adds β times itself per token, where it is masked nothing, and its gradient goes to it alone", () => {
  const weights = tf.tensor1d([0.5, 0.25]);
  const inputs = {
    ...good(),
    mask: tf.tensor2d([
      [1, 1, 0],
      [1, 0, 0],
    ]),
    rowWeights: weights,
    tokenDenominator: 3,
  };
  const kl = tf.tensor2d([
    [0.1, 0.2, Infinity],
    [0.4, NaN, 9],
  ]);
  const lossOf = (referenceKl: tf.Tensor) => ppoLoss({ ...inputs, referenceKl: referenceKl as tf.Tensor2D, klCoefficient: 0.2 }).loss;
  const { value, grad } = tf.valueAndGrad(lossOf)(kl);
  expectClose(value.dataSync(), [0.2 * (0.5 * 0.3 + 0.25 * 0.4)], { atol: 1e-7 });
  expectClose(grad.dataSync(), [0.1, 0.1, 0, 0.05, 0, 0], { atol: 1e-7 });
  const { metrics } = ppoLoss({ ...inputs, referenceKl: kl, klCoefficient: 0.2 });
  expectClose(metrics.kl_loss!.dataSync(), [0.5 * 0.3 + 0.25 * 0.4], { atol: 1e-7 });
});

const good = () => ({
  logProbs: tf.zeros<tf.Rank.R2>([2, 3]),
  oldLogProbs: tf.zeros<tf.Rank.R2>([2, 3]),
  advantages: tf.zeros<tf.Rank.R1>([2]),
  mask: tf.ones<tf.Rank.R2>([2, 3]),
  rowWeights: tf.ones<tf.Rank.R1>([2]),
  tokenDenominator: 6,
});

test("wrong shapes, dtypes and settings are refused", () => {
  const zeros = tf.zeros<tf.Rank.R2>([2, 3]);
  const refused: [object, string][] = [
    [{ oldLogProbs: tf.zeros([2, 4]) }, "magicLoss: oldLogProbs must be [2, 3] float32, got [2, 4] float32"],
    [{ mask: tf.ones([2, 3], "int32") }, "mask must be [2, 3] float32, got [2, 3] int32"],
    [{ advantages: tf.zeros([3]) }, "advantages must be [2] float32, got [3] float32"],
    [{ rowWeights: tf.zeros([3]) }, "rowWeights must be [2] float32, got [3] float32"],
    [{ logProbs: tf.zeros([6]) }, "logProbs must be [batch, time], got [6] float32"],
    [{ tokenDenominator: tf.ones([1]) }, "tokenDenominator must be [] float32, got [1] float32"],
    [
      { tokenDenominator: 0 },
      "tokenDenominator must be a positive number of tokens, got 0. Skip the update of a batch without kept tokens",
    ],
    [{ entropies: zeros, entropyCoefficient: Number.NaN }, "entropyCoefficient must be a finite number, at least 0, got NaN"],
    [{ entropies: zeros }, "entropyCoefficient must be given with entropies, got nothing"],
    [{ klCoefficient: 0.1 }, "referenceLogProbs must be given with klCoefficient, got nothing"],
    [{ referenceLogProbs: zeros, klCoefficient: 0.1, klEstimator: "k4" }, "klEstimator must be one of k1, k2"],
    [{ referenceKl: zeros }, "klCoefficient must be given with referenceLogProbs, got nothing"],
    [
      { referenceKl: zeros, referenceLogProbs: zeros, klCoefficient: 0.1 },
      "referenceLogProbs must be absent with referenceKl, which is no estimate, got a tensor",
    ],
    [
      { referenceKl: zeros, klCoefficient: 0.1, klEstimator: "k3" },
      "klEstimator must be absent with referenceKl, which is no estimate, got k3",
    ],
    [{ clipLow: 1.5 }, "clipLow must be a finite number, at least 0 and at most 1, got 1.5"],
    [{ clipHigh: -0.1 }, "clipHigh must be a finite number, at least 0, got -0.1"],
  ];
  for (const [wrong, message] of refused) expect(() => magicLoss({ ...good(), ...wrong })).toThrow(message);
  expect(() => ppoLoss({ ...good(), dualClip: 1 })).toThrow("ppoLoss: dualClip must be a finite number, above 1, got 1");
  expect(() => droLoss(good())).toThrow("droLoss: droBeta must be a finite number, above 0, got NaN");
  expect(() => clipCovLoss(good())).toThrow("clipCovLoss: selected must be given: 1 on the tokens that the loss acts on, got nothing");
});

test.each(Object.entries(policyLosses))("%s never reads a tensor's value, so that it can be traced", (_, { loss, selection }) => {
  const inputs = {
    ...good(),
    droBeta: 0.3,
    ...(selection === undefined ? {} : { selected: tf.ones<tf.Rank.R2>([2, 3]) }),
    entropyCoefficient: tf.scalar(0.01),
    klCoefficient: tf.scalar(0.01),
    referenceLogProbs: tf.ones<tf.Rank.R2>([2, 3]),
  };
  const variables = [tf.zeros([2, 3]), tf.zeros([2, 3])];
  const backend = tf.backend();
  const refuse = (): never => {
    throw new Error("a tensor was read");
  };
  const own = Object.getOwnPropertyDescriptors(backend);
  Object.assign(backend, { readSync: refuse, read: refuse });
  try {
    expect(() => variables[0]!.dataSync()).toThrow("a tensor was read");
    const { grads } = tf.valueAndGrads(
      (logProbs, entropies) => loss({ ...inputs, logProbs: logProbs as tf.Tensor2D, entropies: entropies as tf.Tensor2D }).loss,
    )(variables);
    expect(grads.map((gradient) => gradient.shape)).toEqual([
      [2, 3],
      [2, 3],
    ]);
  } finally {
    for (const name of ["readSync", "read"] as const) {
      if (own[name] === undefined) Reflect.deleteProperty(backend, name);
      else Object.defineProperty(backend, name, own[name]);
    }
  }
});
