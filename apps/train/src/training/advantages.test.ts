// The recipe's estimators on one step by hand: two prompts answered twice, 2, 1, 1 and 2 tokens long, the first answer right.
import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, test } from "vitest";
import { advantagesSchema, klSchema } from "../recipe/loss-schema.ts";
import { estimateAdvantages } from "./advantages.ts";
import type { RewardedResponses } from "./advantages.ts";
import { endToEnd, inOrder, offsetsOf } from "./token-order.ts";

const step: RewardedResponses = { rewards: [1, 0, 0, 0], truncated: [0, 0, 0, 1], groupSize: 2, offsets: offsetsOf([2, 1, 1, 2]) };
const estimate = (advantages: object, more: Partial<RewardedResponses> = {}, kl?: object) =>
  estimateAdvantages(
    { advantages: advantagesSchema.parse(advantages), ...(kl === undefined ? {} : { kl: klSchema.parse(kl) }) },
    { ...step, ...more },
  );

test("one per response", () => {
  const half = 1 / (2 * (Math.SQRT1_2 + 1e-6));
  expectClose(estimate({}).perRow, [half, -half, 0, 0], { rtol: 1e-9 });
  expectClose(estimate({ normalize_by_std: false }).perRow, [0.5, -0.5, 0, 0], { rtol: 1e-12 });
  expectClose(estimate({ estimator: "rloo" }).perRow, [1, -1, 0, 0], { rtol: 1e-12 });
  // Lengths weigh the baseline: 1 − 2/3 and 0 − 2/3.
  expectClose(estimate({ estimator: "opo" }).perRow, [1 / 3, -2 / 3, 0, 0], { rtol: 1e-12 });
  expect(estimate({ estimator: "rloo" }).perToken).toBeUndefined();
});

test("whitened over the tokens: mean 0, variance 1", () => {
  const { perRow } = estimate({ estimator: "rloo", whiten: true });
  const tokens = [0, 0, 1, 2, 3, 3].map((row) => perRow[row]!);
  const mean = tokens.reduce((sum, value) => sum + value, 0) / 6;
  expectClose([mean, tokens.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 5], [0, 1], { atol: 1e-7 });
});

test("one per token, with their mean per response", () => {
  const { perRow, perToken, returns } = estimate({ estimator: "reinforce++" });
  expectClose(returns!, [1, 1, 0, 0, 0, 0], { atol: 0 });
  const std = Math.sqrt((2 * (2 / 3) ** 2 + 4 * (1 / 3) ** 2) / 5);
  expectClose(
    perToken!,
    [2 / 3, 2 / 3, -1 / 3, -1 / 3, -1 / 3, -1 / 3].map((value) => value / std),
    { rtol: 1e-6 },
  );
  expectClose(
    perRow,
    [2 / 3, -1 / 3, -1 / 3, -1 / 3].map((value) => value / std),
    { rtol: 1e-6 },
  );
  expectClose(estimate({ estimator: "remax" }, { baselines: [0.5, 0.5, 0, 0] }).perRow, [0.5, -0.5, 0, 0], { atol: 0 });
});

test("truncated responses masked after the statistics", () => {
  const masked = estimate({ truncation_mask: "after" }, { rewards: [1, 0, 1, 0] });
  expect(masked.perRow[3]).toBe(0);
  expect(masked.perRow[2]).toBeGreaterThan(0);
});

test("KL in the reward comes off before the estimate", () => {
  const kl = {
    oldLogProbs: Float32Array.of(-1, -1, -1, -1, -1, -1),
    refLogProbs: Float32Array.of(-3, -2, -1, -1, -1, -1),
    coefficient: 0.1,
  };
  const { perRow, penalised, kl: measured } = estimate({ estimator: "rloo" }, { kl }, { in: "reward", coefficient: 0.1 });
  expectClose(penalised!, [1 - 0.1 * 3, 0, 0, 0], { rtol: 1e-6 });
  expectClose(perRow, [0.7, -0.7, 0, 0], { rtol: 1e-6 });
  // The first response's mean over its two tokens is 1.5, of four responses.
  expectClose([measured!], [1.5 / 4], { rtol: 1e-6 });
});

test("token columns follow their rows", () => {
  const offsets = offsetsOf([2, 1, 3]);
  expect([...offsets]).toEqual([0, 2, 3, 6]);
  const values = endToEnd([Float32Array.of(1, 2), Float32Array.of(3), Float32Array.of(4, 5, 6)]);
  expect([...inOrder(values, offsets, [2, 0, 1])]).toEqual([4, 5, 6, 1, 2, 3]);
});
