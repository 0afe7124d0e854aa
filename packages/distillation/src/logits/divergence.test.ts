// Divergences against hand-computed values, and their gradients against finite differences in double precision.
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, test } from "vitest";
import { checkDivergence, divergence, DIVERGENCES, type DivergenceName } from "./divergence.ts";

const ln = Math.log;
/** Teacher (1/2, 1/4, 1/4), student (1/4, 1/4, 1/2); two candidates are known, the third token is "all others". */
const P = [1 / 2, 1 / 4];
const Q = [1 / 4, 1 / 4];
// By hand: KL(p‖q) = ½ ln 2 + 0 + ¼ ln ½ = ¼ ln 2, and the same the other way round.
const byHand: Record<DivergenceName, number> = {
  forward_kl: 0.25 * ln(2),
  reverse_kl: 0.25 * ln(2),
  // m = (3/8, 1/4, 3/8): ½ [½ ln 4/3 + ¼ ln 2/3] + ½ [¼ ln 2/3 + ½ ln 4/3]
  jsd: 0.5 * ln(4 / 3) + 0.25 * ln(2 / 3),
  // m = 0.1 p + 0.9 q = (0.275, 0.25, 0.475)
  skewed_forward_kl: 0.5 * ln(0.5 / 0.275) + 0.25 * ln(0.25 / 0.475),
  // m = 0.9 p + 0.1 q = (0.475, 0.25, 0.275)
  skewed_reverse_kl: 0.25 * ln(0.25 / 0.475) + 0.5 * ln(0.5 / 0.275),
};

test.each(DIVERGENCES)("%s is what it is by hand", (name) => {
  const value = divergence(tf.tensor2d([P.map(ln)]), tf.tensor2d([Q.map(ln)]), { name });
  expectClose([...value.dataSync()], [byHand[name]], { atol: 1e-6 });
});

test.each(DIVERGENCES)("%s of equal distributions is 0, of others more", (name) => {
  const logits = tf.tensor2d([
    [1, -2, 0.5, 0],
    [0, 3, -1, 2],
  ]);
  const logs = tf.logSoftmax(logits);
  expectClose([...divergence(logs, logs, { name }).dataSync()], [0, 0], { atol: 1e-6 });
  const other = divergence(logs, tf.logSoftmax(tf.reverse(logits, -1)), { name }).dataSync();
  expect(Math.min(...other)).toBeGreaterThan(0.05);
});

/** The same in double precision, over whole distributions. */
function reference(name: DivergenceName, p: readonly number[], q: readonly number[], beta: number, skew: number): number {
  const kl = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * ln(x / b[i]!), 0);
  const mix = (a: readonly number[], b: readonly number[], w: number) => a.map((x, i) => w * x + (1 - w) * b[i]!);
  switch (name) {
    case "forward_kl":
      return kl(p, q);
    case "reverse_kl":
      return kl(q, p);
    case "jsd":
      return beta * kl(p, mix(p, q, beta)) + (1 - beta) * kl(q, mix(p, q, beta));
    case "skewed_forward_kl":
      return kl(p, mix(p, q, skew));
    case "skewed_reverse_kl":
      return kl(q, mix(q, p, skew));
  }
}
const softmax = (logits: readonly number[]): number[] => {
  const exps = logits.map(Math.exp);
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((x) => x / sum);
};

test.each(DIVERGENCES)("the gradient of %s wrt the student's logits is that of finite differences", (name) => {
  // Six tokens; the first four are the candidates, the last two are all others.
  const teacher = [0.3, -1, 2, 0.1, -0.5, 0.7];
  const student = [1.2, 0.4, -0.3, 0, 0.9, -1.1];
  const merged = (logits: readonly number[]) => {
    const p = softmax(logits);
    return [...p.slice(0, 4), p[4]! + p[5]!];
  };
  const value = (logits: readonly number[]) => reference(name, merged(teacher), merged(logits), 0.3, 0.2);
  const step = 1e-5;
  const expected = student.map((_, i) => {
    const moved = (by: number) => value(student.map((x, j) => (i === j ? x + by : x)));
    return (moved(step) - moved(-step)) / (2 * step);
  });
  const candidates = (logits: tf.Tensor) => tf.slice(tf.logSoftmax(logits), [0, 0], [1, 4]);
  const gradient = tf.grad((logits) =>
    tf.sum(divergence(candidates(tf.tensor2d([teacher])), candidates(logits), { name, beta: 0.3, skew: 0.2 })),
  );
  const logits = tf.tensor2d([student]);
  expectClose(
    [...tf.sum(divergence(candidates(tf.tensor2d([teacher])), candidates(logits), { name, beta: 0.3, skew: 0.2 })).dataSync()],
    [value(student)],
    { atol: 2e-6 },
  );
  expectClose([...gradient(logits).dataSync()], expected, { atol: 1e-5 });
});

test("a weight out of range is an error", () => {
  expect(() => checkDivergence({ name: "jsd", beta: 1 })).toThrow("beta must be above 0 and below 1, got 1");
  expect(() => checkDivergence({ name: "skewed_forward_kl", skew: 1 })).toThrow("skew must be from 0 to below 1, got 1");
});
