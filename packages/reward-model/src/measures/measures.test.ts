import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { expect, test } from "vitest";
import { lengthBias } from "./length-bias.ts";
import { pairAccuracy, pairCalibration } from "./pair-measures.ts";

const exact = { atol: 1e-12 };
const ln3 = Math.log(3);

test("accuracy, log loss and margin by hand", () => {
  const { pairs, accuracy, logLoss, margin } = pairAccuracy({ chosen: [ln3, 0, 1, 0], rejected: [0, 0, 1 + ln3, -800] });
  expect(pairs).toBe(4);
  // σ(ln 3) = 3/4: −log of 3/4, 1/2, 1/4, 1.
  expectClose([accuracy, logLoss, margin], [2.5 / 4, (Math.log(4 / 3) + Math.log(2) + Math.log(4)) / 4, 800 / 4], exact);
});

test("calibration by hand", () => {
  // Three pairs of confidence 3/4, two of them right; one of 9/10, right. Bins [0.5, 0.75) and [0.75, 1].
  const ln9 = Math.log(9);
  const { ece, maxError, bins } = pairCalibration(
    { chosen: [ln3 + 1e-9, ln3 + 1e-9, 0, ln9], rejected: [0, 0, ln3 + 1e-9, 0] },
    { bins: 2 },
  );
  const confidence = (3 * 0.75 + 0.9) / 4;
  expect(bins.map(({ low, high, pairs }) => [low, high, pairs])).toEqual([
    [0.5, 0.75, 0],
    [0.75, 1, 4],
  ]);
  expect("accuracy" in bins[0]!).toBe(false);
  expectClose([bins[1]!.confidence!, bins[1]!.accuracy!, ece, maxError], [confidence, 0.75, confidence - 0.75, confidence - 0.75], {
    atol: 1e-8,
  });
});

test("a model that knows its doubts has no calibration error", () => {
  // Confidence 3/4 on every pair, right on three of four.
  const scores = { chosen: [ln3, ln3, ln3, 0], rejected: [0, 0, 0, ln3] };
  expectClose([pairCalibration(scores).ece], [0], { atol: 1e-12 });
});

test("calibration error lies between 0 and 1, and every pair in a bin", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1 }),
      fc.integer({ min: 1, max: 20 }),
      (chosen, count) => {
        const { ece, bins } = pairCalibration({ chosen, rejected: chosen.map(() => 0) }, { bins: count });
        expect(ece).toBeGreaterThanOrEqual(0);
        expect(ece).toBeLessThanOrEqual(1);
        expect(bins.reduce((sum, { pairs }) => sum + pairs, 0)).toBe(chosen.length);
      },
    ),
  );
});

test("length bias by hand: a model that prefers the longer one", () => {
  const lengths = { chosen: [20, 10, 30, 10, 10], rejected: [10, 20, 10, 20, 10] };
  const bias = lengthBias({ chosen: [1, 0, 1, 0, 2], rejected: [0, 1, 0, 1, 1] }, lengths);
  expect(bias).toMatchObject({
    longerIsChosen: 0.5,
    longerIsPreferred: 1,
    chosenLonger: { pairs: 2, accuracy: 1 },
    chosenShorter: { pairs: 2, accuracy: 0 },
    equalLength: { pairs: 1, accuracy: 1 },
  });
  // Margins 1, −1, 1, −1, 1 against length differences 10, −10, 20, −10, 0.
  expectClose([bias.correlation!], [48 / Math.sqrt(4.8 * 680)], { atol: 1e-12 });
  expect(lengthBias({ chosen: [1], rejected: [0] }, { chosen: [3], rejected: [3] })).toEqual({
    chosenLonger: { pairs: 0 },
    chosenShorter: { pairs: 0 },
    equalLength: { pairs: 1, accuracy: 1 },
  });
});

test("what cannot be measured is an error", () => {
  expect(() => pairAccuracy({ chosen: [], rejected: [] })).toThrow(
    "pairAccuracy: rejected must be one per chosen score (0), at least one, got 0",
  );
  expect(() => pairCalibration({ chosen: [1, NaN], rejected: [0, 0] })).toThrow(
    "pairCalibration: scores of pair 1 must be finite numbers, got NaN, 0",
  );
  expect(() => lengthBias({ chosen: [1], rejected: [0] }, { chosen: [1], rejected: [] })).toThrow(
    "lengths.rejected must be one per pair (1), got 0",
  );
});
