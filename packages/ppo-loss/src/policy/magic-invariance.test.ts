// What lets a batch be split, padded, reordered and traced without changing magicLoss (tfjs CPU backend, float32).
import { expectClose } from "@longcot/vitest-config/close-to";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";

import { evaluate, f32, randomBatch, rowsOf } from "../../fixtures/token-batch.ts";
import type { Batch } from "../../fixtures/token-batch.ts";
import { LOG_RATIO_LIMIT, magicLoss, magicMetricReductions } from "./magic.ts";
import type { MagicMetric } from "./magic.ts";

beforeAll(async () => void (await tf.setBackend("cpu")));

test.each([1, 2, 5])("%i micro-batches with the batch's denominator add up to the batch", (parts) => {
  const batch = randomBatch(5);
  const settings = { tokenDenominator: batch.tokens, entropyCoefficient: 0.005 };
  const whole = evaluate(batch, settings);
  const size = 10 / parts;
  const split = Array.from({ length: parts }, (_, part) =>
    evaluate(
      rowsOf(batch, (row) => Math.floor(row / size) === part),
      settings,
    ),
  );
  expectClose([split.reduce((sum, part) => sum + part.loss, 0)], [whole.loss], f32, "loss");
  expectClose(
    split.flatMap((part) => [...part.gradLogProbs]),
    whole.gradLogProbs,
    { rtol: 1e-6 },
    "gradient of logProbs",
  );
  expectClose(
    split.flatMap((part) => [...part.gradEntropies]),
    whole.gradEntropies,
    { rtol: 1e-6 },
    "gradient of entropies",
  );
  for (const name of Object.keys(whole.metrics) as MagicMetric[]) {
    const values = split.map((part) => part.metrics[name]);
    const combined = magicMetricReductions[name] === "sum" ? values.reduce((a, b) => a + b, 0) : Math.max(...values);
    expectClose([combined], [whole.metrics[name]], f32, name);
  }
});

test("longer padding, whatever it holds, changes neither value nor gradient", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(0, 1e30, -1e30, Infinity, -Infinity, 3.5), (seed, junk) => {
      const batch = randomBatch(seed, 3, 4);
      const settings = { tokenDenominator: batch.tokens, entropyCoefficient: 0.02 };
      const fill = (grid: number[][]) => grid.map((row, i) => [...row.map((value, t) => (batch.mask[i]![t] ? value : junk)), junk, junk]);
      const padded: Batch = {
        ...batch,
        logProbs: fill(batch.logProbs),
        oldLogProbs: fill(batch.oldLogProbs),
        entropies: fill(batch.entropies),
        mask: batch.mask.map((row) => [...row, 0, 0]),
      };
      const plain = evaluate(batch, settings);
      const wide = evaluate(padded, settings);
      expectClose([wide.loss], [plain.loss], f32);
      expectClose(Object.values(wide.metrics), Object.values(plain.metrics), f32);
      for (const name of ["gradLogProbs", "gradEntropies"] as const) {
        const expected = batch.mask.flatMap((row, i) => [...row.map((kept, t) => (kept ? plain[name][i * 4 + t]! : 0)), 0, 0]);
        expectClose(wide[name], expected, { rtol: 1e-6 }, name);
      }
    }),
    { seed: 3, numRuns: 30 },
  );
});

test("rows may come in any order", () => {
  const batch = randomBatch(6);
  const settings = { tokenDenominator: batch.tokens, entropyCoefficient: 0.005 };
  const order = [7, 2, 9, 0, 4, 1, 8, 3, 6, 5];
  const shuffled = Object.fromEntries(
    Object.entries(rowsOf(batch, () => true)).map(([name, list]) => [name, order.map((row) => list[row])]),
  ) as unknown as Batch;
  const [plain, permuted] = [evaluate(batch, settings), evaluate(shuffled, settings)];
  expectClose([permuted.loss], [plain.loss], f32);
  expectClose(
    permuted.gradLogProbs,
    order.flatMap((row) => [...plain.gradLogProbs.subarray(row * 6, row * 6 + 6)]),
    { rtol: 1e-6 },
  );
});

test("log-ratios of ±80 saturate: no NaN, no infinity", () => {
  const batch: Batch = {
    logProbs: [
      [0, -80],
      [0, -80],
    ],
    oldLogProbs: [
      [-80, 0],
      [-80, 0],
    ],
    advantages: [2, -2],
    mask: [
      [1, 1],
      [1, 1],
    ],
    entropies: [
      [1, 1],
      [1, 1],
    ],
  };
  const { loss, metrics, gradLogProbs } = evaluate(batch, {
    tokenDenominator: 4,
    entropyCoefficient: 0.1,
  });
  const top = Math.exp(LOG_RATIO_LIMIT);
  expectClose([loss], [-(1.2 * 2 + 0 - top * 2 - 0.8 * 2) / 4 - 0.1], { rtol: 1e-5 });
  expectClose([metrics.ratio_max, metrics.ratio_mean], [top, top / 2], { rtol: 1e-5 });
  expectClose(gradLogProbs, [0, 0, 0, 0], { atol: 1e-8 });
});

test("a mask of zeros adds nothing; a denominator of zero is refused", () => {
  const batch = randomBatch(7, 2, 3);
  batch.mask = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  const { loss, metrics, gradLogProbs } = evaluate(batch, {
    tokenDenominator: 9,
    entropyCoefficient: 0.1,
  });
  expectClose([loss, ...Object.values(metrics), ...gradLogProbs], Array(13).fill(0), { atol: 0 });
  expect(() => evaluate(batch, { tokenDenominator: 0, entropyCoefficient: 0.1 })).toThrow(
    "magicLoss: tokenDenominator must be a positive number of tokens, got 0. Skip the update of a batch without kept tokens",
  );
});

test("never reads a tensor's value, so that it can be traced", () => {
  const batch = randomBatch(8, 2, 3);
  const inputs = {
    oldLogProbs: tf.tensor2d(batch.oldLogProbs),
    advantages: tf.tensor1d(batch.advantages),
    mask: tf.tensor2d(batch.mask),
    tokenDenominator: tf.scalar(batch.tokens),
    entropyCoefficient: tf.scalar(0.01),
  };
  const variables = [tf.tensor2d(batch.logProbs), tf.tensor2d(batch.entropies)];
  const backend = tf.backend();
  const refuse = (): never => {
    throw new Error("a tensor was read");
  };
  const own = Object.getOwnPropertyDescriptors(backend);
  Object.assign(backend, { readSync: refuse, read: refuse });
  try {
    expect(() => variables[0]!.dataSync()).toThrow("a tensor was read");
    const { grads } = tf.valueAndGrads(
      (logProbs, entropies) =>
        magicLoss({
          ...inputs,
          logProbs: logProbs as tf.Tensor2D,
          entropies: entropies as tf.Tensor2D,
        }).loss,
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
