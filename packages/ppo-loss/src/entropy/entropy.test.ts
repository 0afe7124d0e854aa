import { expectClose } from "@longcot/vitest-config/close-to";
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";

import { fullKl } from "../kl-penalty.ts";
import { selectTopEntropyTokens } from "./select-top-entropy-tokens.ts";
import { tokenEntropies } from "./token-entropies.ts";

beforeAll(async () => void (await tf.setBackend("cpu")));

const topTwo = (logits: number[]): number => {
  const [a, b] = logits.toSorted((x, y) => y - x) as [number, number];
  const p = 1 / (1 + Math.exp(b - a));
  return -p * Math.log(p) - (1 - p) * Math.log(1 - p);
};

test("the entropy of the two most probable entries, and its gradient, which leaves the others alone", () => {
  const logits = [0.3, -1, 1.1, 0.2];
  const { value, grad } = tf.valueAndGrad((x) => tf.sum(tokenEntropies(x, { topK: 2 })) as tf.Scalar)(tf.tensor2d([logits]));
  expectClose(value.dataSync(), [topTwo(logits)], { atol: 1e-6 });
  const h = 1e-6;
  const difference = logits.map((x, i) => (topTwo(logits.with(i, x + h)) - topTwo(logits.with(i, x - h))) / (2 * h));
  expectClose(grad.dataSync(), difference, { atol: 1e-6 });
  expect(() => tokenEntropies(tf.zeros([2, 3]), { topK: 4 })).toThrow("tokenEntropies: topK must be at most the vocabulary (3), got 4");
  expect(() => tokenEntropies(tf.zeros([2, 3]), { topK: 1.5 })).toThrow("topK must be a whole number, at least 1, got 1.5");
});

test("full KL by hand and its gradient by differences", () => {
  const reference = [0, Math.log(3)];
  const kl = (logits: number[]): number => {
    const [p, q] = [logits, reference].map((values) => 1 / (1 + Math.exp(values[1]! - values[0]!))) as [number, number];
    return p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
  };
  const logits = [0.4, -0.2];
  expectClose(fullKl(tf.tensor2d([[0, 0]]), tf.tensor2d([reference])).dataSync(), [0.143841], { atol: 1e-6 });
  const { value, grad } = tf.valueAndGrad((x) => tf.sum(fullKl(x, tf.tensor2d([reference]))) as tf.Scalar)(tf.tensor2d([logits]));
  expectClose(value.dataSync(), [kl(logits)], { atol: 1e-6 });
  const h = 1e-6;
  const difference = logits.map((x, i) => (kl(logits.with(i, x + h)) - kl(logits.with(i, x - h))) / (2 * h));
  expectClose(grad.dataSync(), difference, { atol: 1e-6 });
});

test("forking tokens: the share of highest entropy, at least one, never padding", () => {
  const entropies = [0.1, 2, 0.3, 1, 9];
  const layout = { offsets: [0, 3, 5], mask: [1, 1, 1, 1, 0] };
  expect([...selectTopEntropyTokens({ entropies, ratio: 0.5, ...layout })]).toEqual([0, 1, 0, 1, 0]);
  expect([...selectTopEntropyTokens({ entropies, ratio: 0.01, ...layout })]).toEqual([0, 1, 0, 0, 0]);
  expect([...selectTopEntropyTokens({ entropies, ...layout, mask: [0, 0, 0, 0, 0] })]).toEqual([0, 0, 0, 0, 0]);
});
