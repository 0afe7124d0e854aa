// What holds for every policy loss of the registry: values by hand, gradients, invariances, extremes (tfjs CPU backend, float32).
import { expectClose } from "@longcot/vitest-config/close-to";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";

import { lossFormula } from "../../fixtures/loss-formulas.ts";
import { denominatorsOf, evaluate, f32, lengthsOf, randomBatch, SCALE_FACTOR, takeRows } from "../../fixtures/token-batch.ts";
import type { Batch, Evaluation, Grid } from "../../fixtures/token-batch.ts";
import { aggregations, lossReduction } from "../aggregation.ts";
import { policyLosses } from "../registry.ts";
import type { PolicyLossName } from "../registry.ts";
import { policyMetricReductions } from "./policy-loss.ts";
import type { PolicyMetric } from "./policy-loss.ts";

beforeAll(async () => void (await tf.setBackend("cpu")));

const names = Object.keys(policyLosses) as PolicyLossName[];
const settingsOf = (name: PolicyLossName): Pick<Evaluation, "settings"> => (name === "dro" ? { settings: { droBeta: 0.3 } } : {});

/** Two responses of one token each: ρ = 1.5 with A = 1, ρ = 0.5 with A = −1. */
const twoTokens: Batch = {
  logProbs: [[Math.log(0.6)], [Math.log(0.2)]],
  oldLogProbs: [[Math.log(0.4)], [Math.log(0.4)]],
  advantages: [1, -1],
  mask: [[1], [1]],
  selected: [[1], [0]],
};

/** By hand, ½ (ℓ_1 + ℓ_2), with the ℓ of each formula in the comment. */
const byHand: Readonly<Record<PolicyLossName, { loss: number; grad: readonly [number, number] }>> = {
  magic: { loss: (-1.2 + 0.8) / 2, grad: [0, 0] },
  grpo: { loss: (-1.2 + 0.8) / 2, grad: [0, 0] },
  "dr-grpo": { loss: (-1.2 + 0.8) / 2 / SCALE_FACTOR, grad: [0, 0] },
  dapo: { loss: (-1.28 + 0.8) / 2, grad: [0, 0] },
  ppo: { loss: (-1.2 + 0.8) / 2, grad: [0, 0] },
  gspo: { loss: (-1.0004 + 0.9997) / 2, grad: [0, 0] },
  // −1.2 ln 0.6 and 0.8 ln 0.2
  cispo: { loss: -0.3372797905, grad: [-0.6, 0.4] },
  // −4 σ(0.5) and (4/1.05) σ(−0.525); gradients −4 σ(1−σ) ρ and 4 σ(1−σ) ρ
  sapo: { loss: -0.5369495, grad: [-4 * 0.6224593312 * 0.3775406688 * 0.75, 4 * 0.3716831 * 0.6283169 * 0.25] },
  gpg: { loss: -0.5493061443, grad: [-0.5, 0.5] },
  // −e^0.4 (clipped above) and e^−0.4 (clipped below)
  "geo-mean": { loss: -0.4107523258, grad: [0, 0] },
  // the first token is taken out
  "clip-cov": { loss: 0.8 / 2, grad: [0, 0] },
  // −1.5 + |ln 1.5| and 0.5
  "kl-cov": { loss: -0.2972674459, grad: [(-1.5 + 1) / 2, 0.25] },
  // changes of 0.2 and −0.2 with limits 0.15 and 0.25: only the second counts, 0.5 ln 0.2
  "dppo-tv": { loss: -0.4023594781, grad: [0, 0.25] },
  // binary KL 0.0810930 and 0.1046496 with limits 0.05 and 0.2
  "dppo-kl": { loss: -0.4023594781, grad: [0, 0.25] },
  // −ln 0.6 + 0.15 ln² 1.5 and ln 0.2 + 0.15 ln² 0.5; gradients −1 + 0.3 ln 1.5 and 1 + 0.3 ln 0.5
  dro: { loss: -0.5009421, grad: [(-1 + 0.3 * 0.4054651) / 2, (1 - 0.3 * 0.6931472) / 2] },
};
const byHandSettings: Partial<Record<PolicyLossName, Evaluation["settings"]>> = {
  "dppo-tv": { divergenceLow: 0.25, divergenceHigh: 0.15 },
  "dppo-kl": { divergenceLow: 0.2, divergenceHigh: 0.05 },
  dro: { droBeta: 0.3 },
};

/** No loss's defaults. */
const OTHER_SETTINGS: Required<NonNullable<Evaluation["settings"]>> = {
  clipLow: 0.01,
  clipHigh: 0.01,
  dualClip: 1.01,
  tauPositive: 3,
  tauNegative: 3,
  ppoKlCoefficient: 7,
  divergenceLow: 0.001,
  divergenceHigh: 0.001,
  ratioLimit: 0.5,
  droBeta: 9,
};

describe.each(names)("%s", (name) => {
  const usual = settingsOf(name);

  test("two tokens by hand", () => {
    const { loss, gradLogProbs } = evaluate(name, twoTokens, { settings: byHandSettings[name] ?? {} });
    expectClose([loss], [byHand[name].loss], { atol: 2e-7 });
    expectClose(gradLogProbs, byHand[name].grad, { atol: 2e-7 });
  });

  test.each([1, 2])("value and gradient equal the formula in float64 and its central differences (seed %i)", (seed) => {
    const batch = randomBatch(seed, 4, 5);
    const { loss, gradLogProbs } = evaluate(name, { ...batch, rolloutWeights: undefined as never }, usual);
    expectClose([loss], [lossFormula(name, batch)], f32);
    const h = 1e-6;
    const difference = batch.logProbs.flatMap((row, i) =>
      row.map((value, t) => {
        const at = (shifted: number): number => lossFormula(name, batch, batch.logProbs.with(i, row.with(t, shifted)));
        return (at(value + h) - at(value - h)) / (2 * h);
      }),
    );
    expectClose(gradLogProbs, difference, f32);
  });

  test("its settings are its defaults, and it reads no other", () => {
    const batch = randomBatch(5);
    const { settings } = policyLosses[name];
    const defaults = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
    const plain = evaluate(name, batch, usual);
    expect(evaluate(name, batch, { settings: { ...defaults, ...usual.settings } }).loss).toBe(plain.loss);
    const others = Object.entries(OTHER_SETTINGS).filter(([key]) => !(key in settings));
    expect(evaluate(name, batch, { settings: { ...usual.settings, ...Object.fromEntries(others) } }).loss).toBe(plain.loss);
  });

  test("on-policy, the gradient is the vanilla policy gradient −wA and nothing is clipped", () => {
    const batch = { ...randomBatch(4), selected: randomBatch(4).mask.map((row) => row.map(() => 0)) };
    batch.logProbs = batch.oldLogProbs;
    const { metrics, gradLogProbs } = evaluate(name, { ...batch, rolloutWeights: undefined as never }, usual);
    const lengths = lengthsOf(batch);
    const { rowWeights } = lossReduction({ aggregation: policyLosses[name].aggregation, lengths, scaleFactor: SCALE_FACTOR });
    const expected = batch.mask.flatMap((row, i) => row.map((kept) => -kept * rowWeights[i]! * batch.advantages[i]!));
    expectClose(gradLogProbs, expected, { rtol: 1e-5, atol: 1e-8 });
    expectClose([metrics.ppo_kl!, metrics.pg_clipfrac ?? 0, metrics.pg_clipfrac_lower ?? 0], [0, 0, 0], { atol: 0 });
  });

  test("longer padding, whatever it holds, changes neither value nor gradient", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.constantFrom(0, 1e30, -1e30, Infinity, -Infinity, 3.5), (seed, junk) => {
        const batch = randomBatch(seed, 3, 4);
        const fill = (grid: Grid): Grid => grid.map((row, i) => [...row.map((value, t) => (batch.mask[i]![t] ? value : junk)), junk, junk]);
        const wide: Batch = {
          advantages: batch.advantages.map((advantage, i) => [...batch.mask[i]!.map((kept) => (kept ? advantage : junk)), junk, junk]),
          mask: batch.mask.map((row) => [...row, 0, 0]),
          logProbs: fill(batch.logProbs),
          oldLogProbs: fill(batch.oldLogProbs),
          entropies: fill(batch.entropies),
          referenceLogProbs: fill(batch.referenceLogProbs),
          rolloutWeights: fill(batch.rolloutWeights),
          selected: fill(batch.selected),
        };
        const terms = { ...usual, entropyCoefficient: 0.02, klCoefficient: 0.1 };
        const [plain, padded] = [evaluate(name, batch, terms), evaluate(name, wide, terms)];
        expectClose([padded.loss], [plain.loss], f32);
        expectClose(Object.values(padded.metrics), Object.values(plain.metrics), f32);
        for (const column of ["gradLogProbs", "gradEntropies"] as const) {
          const expected = batch.mask.flatMap((row, i) => [...row.map((kept, t) => (kept ? plain[column][i * 4 + t]! : 0)), 0, 0]);
          expectClose(padded[column], expected, { rtol: 1e-5, atol: 1e-8 }, column);
        }
      }),
      { seed: 3, numRuns: 12 },
    );
  });

  test("rows may come in any order", () => {
    const batch = randomBatch(6);
    const order = [7, 2, 9, 0, 4, 1, 8, 3, 6, 5];
    const [plain, permuted] = [evaluate(name, batch, usual), evaluate(name, takeRows(batch, order), usual)];
    expectClose([permuted.loss], [plain.loss], f32);
    const expected = order.flatMap((row) => [...plain.gradLogProbs.subarray(row * 6, row * 6 + 6)]);
    expectClose(permuted.gradLogProbs, expected, { rtol: 1e-6, atol: 1e-9 });
  });

  test.each(aggregations)(
    "1, 2, 5 or 16 micro-batches with the batch's denominators give its loss, metrics and gradients: %s",
    (aggregation) => {
      const batch = randomBatch(5, 32, 5);
      const terms = { ...usual, aggregation, entropyCoefficient: 0.005, klCoefficient: 0.1 };
      const whole = evaluate(name, batch, terms);
      const largest = (values: Iterable<number>): number => Math.max(...[...values].map(Math.abs));
      for (const parts of [1, 2, 5, 16]) {
        const split = Array.from({ length: parts }, (_, part) => {
          const rows = [...batch.mask.keys()].filter((row) => Math.floor((row * parts) / 32) === part);
          return evaluate(name, takeRows(batch, rows), { ...terms, of: denominatorsOf(batch) });
        });
        expectClose([split.reduce((sum, part) => sum + part.loss, 0)], [whole.loss], f32, "loss");
        for (const column of ["gradLogProbs", "gradEntropies"] as const)
          expectClose(
            split.flatMap((part) => [...part[column]]),
            whole[column],
            { atol: 1e-6 * largest(whole[column]) },
            column,
          );
        for (const metric of Object.keys(whole.metrics) as PolicyMetric[]) {
          const values = split.map((part) => part.metrics[metric]!);
          const combined = policyMetricReductions[metric] === "sum" ? values.reduce((a, b) => a + b, 0) : Math.max(...values);
          expectClose([combined], [whole.metrics[metric]!], f32, metric);
        }
      }
    },
  );

  test("log-ratios of ±80 give finite values and gradients", () => {
    const batch: Batch = {
      logProbs: [
        [-1e-3, -80],
        [-1e-3, -80],
      ],
      oldLogProbs: [
        [-80, -1e-3],
        [-80, -1e-3],
      ],
      advantages: [2, -2],
      mask: [
        [1, 1],
        [1, 1],
      ],
      selected: [
        [0, 1],
        [1, 0],
      ],
      referenceLogProbs: [
        [-80, -1e-3],
        [-80, -1e-3],
      ],
    };
    const { loss, metrics, gradLogProbs } = evaluate(name, batch, { ...usual, klCoefficient: 0.1 });
    for (const value of [loss, ...Object.values(metrics), ...gradLogProbs]) expect(Number.isFinite(value)).toBe(true);
  });

  test("a mask of zeros adds nothing to its batch; a batch without tokens has no denominators", () => {
    const batch = {
      ...randomBatch(7, 2, 3),
      mask: [
        [0, 0, 0],
        [0, 0, 0],
      ],
    };
    const of = { batchTokens: 9, batchSequences: 3 };
    const { loss, metrics, gradLogProbs } = evaluate(name, batch, { ...usual, entropyCoefficient: 0.1, of });
    expectClose([loss, ...Object.values(metrics), ...gradLogProbs], Array(7 + Object.keys(metrics).length).fill(0), { atol: 0 });
    expect(() => evaluate(name, batch, usual)).toThrow("lossReduction: lengths must be at least one token to average over");
  });

  test("rollout weights multiply token losses", () => {
    const batch = randomBatch(11, 3, 4);
    const half = { ...batch, rolloutWeights: batch.mask.map((row) => row.map(() => 0.5)) };
    const plain = evaluate(name, { ...batch, rolloutWeights: undefined as never }, usual);
    const weighted = evaluate(name, half, usual);
    expectClose([weighted.loss], [plain.loss / 2], f32);
    expectClose(
      weighted.gradLogProbs,
      plain.gradLogProbs.map((value) => value / 2),
      { rtol: 1e-5, atol: 1e-8 },
    );
  });

  test("metrics are those that the registry announces", () => {
    const { metrics } = evaluate(name, randomBatch(12, 3, 4), {
      settings: { ...usual.settings, dualClip: name === "ppo" ? 3 : undefined },
    });
    expect(Object.keys(metrics).sort()).toEqual([...policyLosses[name].metrics].sort());
  });
});
