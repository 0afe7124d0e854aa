import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, test } from "vitest";

import { countResponses, lossReduction, perMicroBatchReduction } from "./aggregation.ts";

const lengths = [2, 1, 0];

test.each([
  { aggregation: "token-mean", weights: [1 / 3, 1 / 3, 0] },
  { aggregation: "token-sum", weights: [1, 1, 0] },
  { aggregation: "seq-mean-token-mean", weights: [1 / 4, 1 / 2, 0] },
  { aggregation: "seq-mean-token-sum", weights: [1 / 2, 1 / 2, 0] },
  { aggregation: "seq-mean-token-sum-norm", weights: [1 / 20, 1 / 20, 0] },
] as const)("$aggregation by hand; rows without tokens have no weight and no part in the mean", ({ aggregation, weights }) => {
  const { rowWeights, tokenDenominator } = lossReduction({ aggregation, lengths, scaleFactor: 10 });
  expectClose(rowWeights, weights, { rtol: 1e-6 });
  expect(tokenDenominator).toBe(3);
});

test("a micro-batch is weighed by its batch's denominators, and by replicas that are averaged", () => {
  const of = countResponses([2, 1, 3]);
  expect(of).toEqual({ batchTokens: 6, batchSequences: 3 });
  expectClose(lossReduction({ aggregation: "token-mean", lengths: [2], ...of, replicas: 4 }).rowWeights, [4 / 6], { rtol: 1e-6 });
  expectClose(lossReduction({ aggregation: "seq-mean-token-mean", lengths: [2], ...of }).rowWeights, [1 / 6], { rtol: 1e-6 });
});

test("the released code's rule weighs a micro-batch by its rows over the nominal ones, so that its tokens weigh more where it is short", () => {
  const [long, short] = [[4, 4], [1]].map(
    (own) => perMicroBatchReduction({ aggregation: "token-mean", lengths: own, nominalRows: 4 }).rowWeights[0],
  );
  expectClose([long!, short!], [2 / 4 / 8, 1 / 4 / 1], { rtol: 1e-6 });
});

test("what has no mean is refused", () => {
  expect(() => lossReduction({ aggregation: "token-mean", lengths: [0, 0] })).toThrow("lengths must be at least one token to average over");
  expect(() => countResponses([])).toThrow("got 0 rows, none with a token");
  expect(() => lossReduction({ aggregation: "seq-mean-token-sum-norm", lengths })).toThrow("scaleFactor must be a finite number, above 0");
  expect(() => lossReduction({ aggregation: "mean" as "token-mean", lengths })).toThrow("aggregation must be one of token-mean, token-sum");
  expect(() => lossReduction({ aggregation: "token-mean", lengths: [Number.NaN] })).toThrow("lengths[0] must be a finite number");
});
