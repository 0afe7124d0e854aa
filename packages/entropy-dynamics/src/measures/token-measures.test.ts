// Measures of tokens by hand: position deciles, forking tokens, covariance with advantage, ratios and clips.
import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { advantageCovariance } from "./advantage-covariance.ts";
import { clippedByRule } from "./clip-rules.ts";
import { meanByPosition } from "./entropy-by-position.ts";
import { forkingTokens } from "./forking-tokens.ts";
import { meanEntropy } from "./mean-entropy.ts";
import { clipStatistics, ratioStatistics } from "./ratio-statistics.ts";

const exact = { atol: 1e-12 };

test("position deciles: a response of 20 tokens has two in each, one of 5 fills every second, masked tokens do not count", () => {
  const long = Array.from({ length: 20 }, (_, t) => t);
  expect(meanByPosition({ values: long, offsets: [0, 20] })).toEqual([0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 12.5, 14.5, 16.5, 18.5]);
  expect(meanByPosition({ values: [1, 2, 3, 4, 5], offsets: [0, 5], mask: [1, 1, 0, 1, 1] })).toEqual([
    1,
    undefined,
    2,
    undefined,
    undefined,
    undefined,
    4,
    undefined,
    5,
    undefined,
  ]);
  expect(() => meanByPosition({ values: [NaN], offsets: [0, 1] })).toThrow("values of decile 1 must be finite, got a sum of NaN");
});

test("forking tokens: the top fifth, its threshold and share", () => {
  const entropies = [0, 0, 0.1, 0.1, 0.2, 0.3, 0.4, 0.9, 1, 1];
  expect(forkingTokens({ entropies })).toEqual({ thresholdNats: 1, meanNats: 1, entropyShare: 0.5, tokens: 2 });
  expect(forkingTokens({ entropies, mask: [1, 1, 1, 1, 1, 1, 1, 1, 0, 0] })).toMatchObject({ thresholdNats: 0.4, tokens: 2 });
  expect(forkingTokens({ entropies: [0, 0], fraction: 1 })).toEqual({ thresholdNats: 0, meanNats: 0, entropyShare: 1, tokens: 2 });
  expect(() => forkingTokens({ entropies: [1], mask: [0] })).toThrow(
    "entropies must be at least one counted token, all finite, got 0 tokens",
  );
  expect(() => forkingTokens({ entropies: [1], fraction: 0 })).toThrow("fraction must be above 0 and at most 1, got 0");
});

test("forking tokens of everything have the mean of all", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 8, noNaN: true }), { minLength: 1, maxLength: 40 }), (entropies) => {
      expectClose([forkingTokens({ entropies, fraction: 1 }).meanNats], [meanEntropy({ entropies })], { atol: 1e-12, rtol: 1e-12 });
    }),
    { seed: 11, numRuns: 100 },
  );
});

test("covariance with the advantage: numpy.cov(..., bias=True) and numpy.corrcoef of the same numbers", () => {
  // numpy: np.cov([-.1,-.2,-1,-.4], [1,1,-1,-1], bias=True)[0,1] = 0.275; with entropies [.2,.3,.9,.5]: -0.225; corrcoef 0.7877263614433764.
  const covariance = advantageCovariance({
    logProbs: [-0.1, -0.2, -1, -0.4, 7],
    entropies: [0.2, 0.3, 0.9, 0.5, 7],
    advantages: [1, -1],
    offsets: [0, 2, 5],
    mask: [1, 1, 1, 1, 0],
  });
  expectClose([covariance.logProb, covariance.entropy, covariance.logProbCorrelation], [0.275, -0.225, 0.7877263614433764], exact);
  expect(advantageCovariance({ logProbs: [-1], entropies: [1], advantages: [2], offsets: [0, 1] }).logProbCorrelation).toBe(0);
});

test("ratios of 1, 2 and 1/2", () => {
  const statistics = ratioStatistics({ logProbs: [-1, Math.log(0.5), Math.log(0.25)], oldLogProbs: [-1, Math.log(0.25), Math.log(0.5)] });
  expectClose([statistics.mean, statistics.max, statistics.min, statistics.k1], [3.5 / 3, 2, 0.5, 0], exact);
  expectClose([statistics.k3, statistics.effectiveSampleShare], [0.5 / 3, 3.5 ** 2 / (3 * 5.25)], exact);
});

test("the same policy clips nothing and is worth every sample", () => {
  const logProbs = Float32Array.of(-0.3, -2, -0.01);
  expect(ratioStatistics({ logProbs, oldLogProbs: logProbs })).toEqual({ mean: 1, max: 1, min: 1, k1: 0, k3: 0, effectiveSampleShare: 1 });
  expect(clipStatistics({ logProbs, oldLogProbs: logProbs, advantages: [1], offsets: [0, 3], clipLow: 0.2, clipHigh: 0.2 }).fraction).toBe(
    0,
  );
});

test("a clip range stops rises of good tokens and falls of bad ones, nothing else", () => {
  const columns = {
    // Ratios 1.3, 0.5 in a good response; 1.3, 0.5 in a bad one; 1.3 where the advantage is 0.
    logProbs: [Math.log(1.3), Math.log(0.5), Math.log(1.3), Math.log(0.5), Math.log(1.3)],
    oldLogProbs: [0, 0, 0, 0, 0],
    advantages: [1, -1, 0],
    offsets: [0, 2, 4, 5],
  };
  expect(clipStatistics({ ...columns, clipLow: 0.2, clipHigh: 0.2 })).toEqual({ high: 0.2, low: 0.2, fraction: 0.4 });
  expect(clipStatistics({ ...columns, clipLow: 0.2, clipHigh: 0.28 })).toEqual({ high: 0.2, low: 0.2, fraction: 0.4 });
  expect(clipStatistics({ ...columns, clipLow: 0.2, clipHigh: 0.31 })).toEqual({ high: 0, low: 0.2, fraction: 0.2 });
  expect(() => clipStatistics({ ...columns, clipLow: 1, clipHigh: 0.2 })).toThrow("clipLow must be between 0 and 1, got 1");
});

describe("what another rule would have clipped", () => {
  // Response 1, A = 1: ratios 1.3 and 0.9. Response 2, A = −1: ratios 0.5 and 4.
  const columns = {
    logProbs: [Math.log(1.3), Math.log(0.9), Math.log(0.5), Math.log(4)],
    oldLogProbs: [0, 0, 0, 0],
    advantages: [1, -1],
    offsets: [0, 2, 4],
  };

  test("clip-higher lets the rise through; dual clip stops the wrong token that has become likelier", () => {
    expect(clippedByRule(columns, { kind: "token", clipLow: 0.2, clipHigh: 0.2 })).toEqual({
      high: 0.25,
      low: 0.25,
      other: 0,
      fraction: 0.5,
    });
    expect(clippedByRule(columns, { kind: "token", clipLow: 0.2, clipHigh: 0.31 }).fraction).toBe(0.25);
    expect(clippedByRule(columns, { kind: "token", clipLow: 0.2, clipHigh: 0.2, dualClip: 3 })).toEqual({
      high: 0.25,
      low: 0.25,
      other: 0.25,
      fraction: 0.75,
    });
    expect(() => clippedByRule(columns, { kind: "token", clipLow: 0.2, clipHigh: 0.2, dualClip: 1 })).toThrow(
      "dualClip must be above 1, got 1",
    );
  });

  test("by sequence: the geometric mean of the first is √1.17, of the second √2, a rise of a wrong response that nothing stops", () => {
    expect(clippedByRule(columns, { kind: "sequence", clipLow: 0.01, clipHigh: 0.05 })).toEqual({
      high: 0.5,
      low: 0,
      other: 0,
      fraction: 0.5,
    });
    expect(clippedByRule(columns, { kind: "sequence", clipLow: 0.01, clipHigh: 0.09 }).fraction).toBe(0);
  });

  test("Clip-Cov draws at most its share among tokens between its bounds that are not clipped yet", () => {
    // Mean log-probability −0.75; terms of A·(log p − mean), mean A = 0: 0.65, 0.55, −0.55, −0.65.
    const spread = {
      logProbs: [-0.1, -0.2, -1.3, -1.4],
      oldLogProbs: [-0.1, -0.2, -1.3, -1.4],
      advantages: [1, 1, -1, -1],
      offsets: [0, 1, 2, 3, 4],
    };
    const rule = { kind: "clip_cov", clipLow: 0.2, clipHigh: 0.2, upperBound: 5 } as const;
    expect(clippedByRule(spread, { ...rule, ratio: 1, lowerBound: 0.6 }).other).toBe(0.5);
    expect(clippedByRule(spread, { ...rule, ratio: 0.25, lowerBound: 0.5 })).toEqual({ high: 0, low: 0, other: 0.25, fraction: 0.25 });
    expect(clippedByRule(spread, { ...rule, ratio: 1, lowerBound: 5 }).other).toBe(0);
  });
});
