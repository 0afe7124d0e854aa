// Tiny cases that a reader can work out on paper, and what the kernels refuse.
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { expectClose } from "@longcot/vitest-config/close-to";
import {
  adamWUpdate,
  applyRope,
  attention,
  clipByGlobalNorm,
  embed,
  linear,
  MASKED_SCORE,
  rmsNorm,
  ropeTables,
  swiglu,
  tokenLogProbs,
} from "./index.ts";
import { EAGER_BACKENDS, useBackend } from "./testing/eager-backends.ts";

const CLOSE = { atol: 1e-6, rtol: 1e-6 };

describe.each(EAGER_BACKENDS)("by hand on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  it("rmsNorm: [3, 4] has root mean square √12.5", () => {
    expectClose(rmsNorm(tf.tensor2d([[3, 4]]), tf.tensor1d([1, 2]), 0).dataSync(), [3 / Math.sqrt(12.5), 8 / Math.sqrt(12.5)], CLOSE);
  });

  it("linear: x·W + b", () => {
    expectClose(
      linear(
        tf.tensor2d([[1, 2]]),
        tf.tensor2d([
          [1, 0, 2],
          [0, 1, 3],
        ]),
        tf.tensor1d([10, 20, 30]),
      ).dataSync(),
      [11, 22, 38],
      CLOSE,
    );
  });

  it("swiglu: gate 0 closes, gate 1 passes sigmoid(1)", () => {
    expectClose(swiglu(tf.tensor1d([0, 1]), tf.tensor1d([5, 7])).dataSync(), [0, 7 / (1 + Math.exp(-1))], CLOSE);
  });

  it("embed: the gradient of a row used twice is the sum", () => {
    const gradient = tf.grad((table) =>
      tf.sum(
        tf.mul(
          embed(table, tf.tensor1d([2, 0, 2], "int32")),
          tf.tensor2d([
            [1, 2],
            [10, 20],
            [100, 200],
          ]),
        ),
      ),
    )(tf.zeros([3, 2]));
    expect([...gradient.dataSync()]).toEqual([10, 20, 0, 0, 101, 202]);
  });

  it("rope: position 0 leaves x, and theta 1 turns every pair by the position in radians", () => {
    const rotated = applyRope(
      tf.tensor4d([1, 0, 0, 0, 1, 0, 0, 0], [1, 1, 2, 4]),
      ropeTables(tf.tensor2d([[0, 3]], [1, 2], "int32"), { inverseFrequencies: [1, 1], maxPositions: 4 }),
    );
    expectClose(rotated.dataSync(), [1, 0, 0, 0, Math.cos(3), 0, Math.sin(3), 0], CLOSE);
  });

  it("attention: equal keys average the values that the bias lets through", () => {
    const output = attention({
      query: tf.ones([1, 2, 1, 2]),
      key: tf.ones([1, 1, 3, 2]),
      value: tf.tensor4d([1, 10, 3, 30, 100, 100], [1, 1, 3, 2]),
      bias: tf.tensor4d([0, 0, MASKED_SCORE], [1, 1, 1, 3]),
    });
    expectClose(output.dataSync(), [2, 20, 2, 20], CLOSE);
  });

  it("attention: a row with nothing allowed stays finite", () => {
    const output = attention({
      query: tf.ones([1, 1, 1, 2]),
      key: tf.ones([1, 1, 2, 2]),
      value: tf.ones([1, 1, 2, 2]),
      bias: tf.fill([1, 1, 1, 2], MASKED_SCORE),
    });
    expectClose(output.dataSync(), [1, 1], CLOSE);
  });

  it("tokenLogProbs: equal logits give −log V and log V; logits of 10000 stay finite", () => {
    const targets = tf.tensor1d([1], "int32");
    const uniform = tokenLogProbs({
      hidden: tf.zeros([1, 2]),
      unembedding: tf.ones([4, 2]),
      targets,
      temperature: 1,
    });
    expectClose([...uniform.logProbs.dataSync(), ...uniform.entropies.dataSync()], [-Math.log(4), Math.log(4)], CLOSE);
    const certain = tokenLogProbs({
      hidden: tf.tensor2d([[1e4]]),
      unembedding: tf.tensor2d([[0], [1]]),
      targets,
      temperature: 1,
    });
    expect([...certain.logProbs.dataSync(), ...certain.entropies.dataSync()]).toEqual([0, 0]);
  });

  it("tokenLogProbs: hands each chunk what the chunk before made, forward and backward", () => {
    const orders: number[][] = [];
    const orderAfter = (x: tf.Tensor, previous: tf.Tensor) => {
      orders.push(previous.shape);
      return x;
    };
    const loss = (hidden: tf.Tensor) =>
      tf.sum(
        tokenLogProbs({
          hidden,
          unembedding: tf.ones([5, 2]),
          targets: tf.zeros([6], "int32"),
          temperature: 1,
          chunkTokens: 2,
          orderAfter,
        }).logProbs,
      );
    tf.grad(loss)(tf.ones([6, 2]));
    expect(orders).toEqual([[2], [2], [5, 2], [5, 2]]);
  });

  it("adamWUpdate: the first step is the learning rate times the gradient's sign", () => {
    const state = adamWUpdate({
      parameter: tf.tensor1d([1, 1]),
      gradient: tf.tensor1d([3, -0.002]),
      firstMoment: tf.zeros([2]),
      secondMoment: tf.zeros([2]),
      step: tf.scalar(1),
      learningRate: tf.scalar(0.1),
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 0,
      weightDecay: 0.5,
    });
    expectClose(state.parameter.dataSync(), [0.95 - 0.1, 0.95 + 0.1], CLOSE);
  });

  it("clipByGlobalNorm: 3-4-5 across two tensors", () => {
    const { gradients, norm } = clipByGlobalNorm([tf.tensor1d([3]), tf.tensor1d([4])], 1);
    expectClose([...norm.dataSync(), ...gradients.flatMap((gradient) => [...gradient.dataSync()])], [5, 0.6, 0.8], CLOSE);
  });

  it("refuses shapes that do not fit, by name", () => {
    expect(() => rmsNorm(tf.ones([2, 3]), tf.ones([4]), 0)).toThrow(/rmsNorm: x must be float32 \[\.\.\., 4\], got float32 \[2, 3\]/);
    expect(() => linear(tf.ones([2, 3]), tf.ones([4, 5]))).toThrow(/linear: x/);
    expect(() => swiglu(tf.ones([3]), tf.ones([2]))).toThrow(/up must be float32 \[3\], got float32 \[2\]/);
    expect(() => embed(tf.ones([3, 2]), tf.ones([2]))).toThrow(/embed: ids must be int32/);
    expect(() =>
      attention({
        query: tf.ones([1, 3, 1, 2]),
        key: tf.ones([1, 2, 1, 2]),
        value: tf.ones([1, 2, 1, 2]),
      }),
    ).toThrow(/multiple of 2 key heads, got 3 heads/);
    expect(() =>
      tokenLogProbs({
        hidden: tf.ones([1, 2]),
        unembedding: tf.ones([3, 2]),
        targets: tf.zeros([1], "int32"),
        temperature: 1,
        chunkTokens: 0,
      }),
    ).toThrow(/chunkTokens/);
    expect(() => clipByGlobalNorm([], 1)).toThrow(/at least one tensor/);
  });
});
