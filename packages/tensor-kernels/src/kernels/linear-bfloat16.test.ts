// Dense layers on an engine of precision bfloat16: values and gradients against products of rounded numbers in double precision; what refuses it.

import * as tf from "@tensorflow/tfjs-core";
import { locateLibtensorflow } from "@longcot/libtensorflow";
import { expect, test } from "vitest";
import { openEngine } from "../engine/open-engine.ts";
import { linear } from "./linear.ts";

const TOKENS = 5;
const [IN, OUT] = [48, 7];
const X = Float32Array.from({ length: TOKENS * IN }, (_, i) => Math.sin(i * 1.7) * 1.3);
const WEIGHT = Float32Array.from({ length: IN * OUT }, (_, i) => Math.cos(i * 0.9) * 0.4);
const GRADIENT = Float32Array.from({ length: TOKENS * OUT }, (_, i) => Math.sin(i * 0.37) + 0.01);

/** The nearest bfloat16, ties to even. */
function rounded(value: number): number {
  const word = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  return new Float32Array(Uint32Array.of(((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) << 16).buffer)[0]!;
}

/** a [m, k] · b [k, n] of rounded elements, by accessors. */
function product(m: number, k: number, n: number, a: (i: number, l: number) => number, b: (l: number, j: number) => number): number[] {
  return Array.from({ length: m * n }, (_, at) => {
    let sum = 0;
    for (let l = 0; l < k; l++) sum += rounded(a(Math.floor(at / n), l)) * rounded(b(l, at % n));
    return sum;
  });
}

/** Every number of `actual` is one of the bfloat16 next to `expected`, and not what float32 gives. */
function expectRounded(actual: ArrayLike<number>, expected: readonly number[], float32: ArrayLike<number>): void {
  let differs = 0;
  expected.forEach((value, i) => {
    expect(rounded(actual[i]!)).toBe(actual[i]);
    expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) * 2 ** -8, 1e-6));
    if (actual[i] !== float32[i]) differs++;
  });
  expect(differs).toBeGreaterThan(expected.length / 2);
}

const here = locateLibtensorflow() !== undefined;

test.skipIf(!here)(`products and their gradients are bfloat16's${here ? "" : " (left out: needs TensorFlow)"}`, async () => {
  const results = [];
  for (const precision of ["bfloat16", "float32"] as const) {
    const engine = await openEngine({ engine: "tensorflow", threads: 1, precision });
    expect(engine.description.endsWith(", bfloat16 products")).toBe(precision === "bfloat16");
    const step = engine.compile(
      "linear",
      {
        x: { shape: [TOKENS, IN], dtype: "float32" },
        weight: { shape: [IN, OUT], dtype: "float32" },
        gradient: { shape: [TOKENS, OUT], dtype: "float32" },
      },
      ({ x, weight, gradient }) => {
        const { value, grads } = tf.valueAndGrads((a, b) => linear(a, b))([x, weight], gradient);
        return { value, forX: grads[0]!, forWeight: grads[1]! };
      },
    );
    results.push(await step({ x: X, weight: WEIGHT, gradient: GRADIENT }));
    await engine.close();
  }
  const [narrow, wide] = results as [(typeof results)[0], (typeof results)[0]];
  const x = (t: number, i: number) => X[t * IN + i]!;
  const weight = (i: number, o: number) => WEIGHT[i * OUT + o]!;
  const gradient = (t: number, o: number) => GRADIENT[t * OUT + o]!;
  expectRounded(narrow.value, product(TOKENS, IN, OUT, x, weight), wide.value);
  expectRounded(
    narrow.forX,
    product(TOKENS, OUT, IN, gradient, (o, i) => weight(i, o)),
    wide.forX,
  );
  expectRounded(
    narrow.forWeight,
    product(IN, TOKENS, OUT, (i, t) => x(t, i), gradient),
    wide.forWeight,
  );
});

test("engines that run op by op refuse it", async () => {
  await expect(openEngine({ engine: "wasm", precision: "bfloat16" })).rejects.toThrow(
    "precision must be float32 on the engine wasm, which runs op by op, got bfloat16",
  );
});
