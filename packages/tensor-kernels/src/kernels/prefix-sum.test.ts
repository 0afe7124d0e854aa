// Running sums against sums in double precision, at sizes around the blocks.
import * as tf from "@tensorflow/tfjs-core";
import { expectClose } from "@longcot/vitest-config/close-to";
import { beforeAll, describe, expect, it } from "vitest";
import { keyedUniform } from "./keyed-random.ts";
import { prefixSum } from "./prefix-sum.ts";
import { EAGER_BACKENDS, useBackend } from "./testing/eager-backends.ts";

describe.each(EAGER_BACKENDS)("prefixSum on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  it("by hand", () => {
    const x = tf.tensor2d([
      [1, 2, 3],
      [4, 0, -1],
    ]);
    expect([...prefixSum(x).dataSync()]).toEqual([1, 3, 6, 4, 4, 3]);
    expect([...prefixSum(x, { exclusive: true }).dataSync()]).toEqual([0, 1, 3, 0, 4, 4]);
  });

  it.each([1, 31, 32, 33, 64, 512, 1000, 1024, 1025, 40_000])("of rows of %i", (size) => {
    const rows = 3;
    const values = Float32Array.from({ length: rows * size }, (_, position) =>
      keyedUniform({ seed: size, step: 0, prompt: 0, sample: 0, position }),
    );
    const including = new Float64Array(rows * size);
    const before = new Float64Array(rows * size);
    for (let i = 0; i < values.length; i++) {
      before[i] = i % size === 0 ? 0 : including[i - 1]!;
      including[i] = before[i]! + values[i]!;
    }
    tf.tidy(() => {
      const x = tf.tensor2d(values, [rows, size]);
      expectClose(prefixSum(x).dataSync(), including, { rtol: 1e-5, atol: 1e-6 });
      const exclusive = prefixSum(x, { exclusive: true }).dataSync();
      expectClose(exclusive, before, { rtol: 1e-5, atol: 1e-6 });
      expect([0, 1, 2].map((row) => exclusive[row * size])).toEqual([0, 0, 0]);
    });
  });

  it("of whole numbers is exact", () => {
    const size = 2_000;
    const x = tf.tensor2d(
      Float32Array.from({ length: size }, (_, i) => i % 5),
      [1, size],
    );
    expect([...prefixSum(x).dataSync()]).toEqual([...tf.cumsum(x, 1).dataSync()]);
  });
});
