import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { entropyByKey } from "./entropy-by-key.ts";
import { gradientScales } from "./gradient-scales.ts";
import { meanEntropy, monteCarloEntropy } from "./mean-entropy.ts";

const exact = { atol: 1e-12 };

describe("mean entropies", () => {
  test("count the tokens in the mask only", () => {
    const logProbs = Float32Array.of(-0.5, -1, -0.25, 99);
    const mask = Uint8Array.of(1, 1, 1, 0);
    expectClose([monteCarloEntropy({ logProbs, mask })], [1.75 / 3], exact);
    expectClose([monteCarloEntropy({ logProbs: logProbs.subarray(0, 3) })], [1.75 / 3], exact);
    expectClose([meanEntropy({ entropies: [1, 2, NaN], mask: [1, 1, 0] })], [1.5], exact);
  });

  test("the Monte-Carlo estimate of a fair coin is ln 2 whatever was drawn", () => {
    expectClose([monteCarloEntropy({ logProbs: Array(7).fill(Math.log(0.5)) })], [Math.LN2], exact);
  });

  test("no token, a wrong length or a value that is not finite is an error", () => {
    expect(() => meanEntropy({ entropies: [1, 2], mask: [0, 0] })).toThrow("meanEntropy: mask must be at least one token, got none of 2");
    expect(() => monteCarloEntropy({ logProbs: [] })).toThrow("monteCarloEntropy: mask must be at least one token, got none of 0");
    expect(() => monteCarloEntropy({ logProbs: [-1, -1], mask: [1] })).toThrow("mask must be one entry per token (2), got 1 entries");
    expect(() => monteCarloEntropy({ logProbs: [-1, -Infinity] })).toThrow(
      "expected finite values on every counted token, got a sum of Infinity",
    );
  });
});

describe("entropy by key", () => {
  test("ragged rows with a mask", () => {
    const byKey = entropyByKey({
      entropies: Float32Array.of(1, 3, 5, 7, 9, 11),
      offsets: Int32Array.of(0, 2, 3, 3, 6),
      keys: ["math", "code", "logic", "math"],
      mask: [1, 0, 1, 1, 1, 1],
    });
    expect([...byKey]).toEqual([
      ["math", { meanNats: (1 + 7 + 9 + 11) / 4, tokens: 4, rows: 2 }],
      ["code", { meanNats: 5, tokens: 1, rows: 1 }],
      ["logic", { meanNats: undefined, tokens: 0, rows: 1 }],
    ]);
  });

  test("the token-weighted mean of all keys is the global mean", () => {
    const rows = fc.array(
      fc.record({
        key: fc.constantFrom(0, 1, 2),
        values: fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { maxLength: 6 }),
      }),
      { minLength: 1, maxLength: 10 },
    );
    fc.assert(
      fc.property(rows, (list) => {
        const entropies = list.flatMap((row) => row.values);
        fc.pre(entropies.length > 0);
        const offsets = [0];
        for (const row of list) offsets.push(offsets.at(-1)! + row.values.length);
        let sum = 0;
        for (const { meanNats, tokens } of entropyByKey({
          entropies,
          offsets,
          keys: list.map((row) => row.key),
        }).values())
          sum += (meanNats ?? 0) * tokens;
        expectClose([sum / entropies.length], [meanEntropy({ entropies })], {
          atol: 1e-12,
          rtol: 1e-12,
        });
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  test("offsets that do not cut the tokens are refused", () => {
    const columns = { entropies: [1, 2, 3], keys: [0, 1] };
    expect(() => entropyByKey({ ...columns, offsets: [0, 3] })).toThrow(
      "offsets must be one entry per row and one more (3), got 2 entries",
    );
    expect(() => entropyByKey({ ...columns, offsets: [0, 1, 2] })).toThrow("offsets must be from 0 to 3, got from 0 to 2");
    expect(() => entropyByKey({ ...columns, offsets: [0, 5, 3] })).toThrow("offsets[2] must be at least 5, got 3");
    expect(() => entropyByKey({ ...columns, entropies: [1, 2, NaN], offsets: [0, 2, 3] })).toThrow(
      "entropies of row 1 must be finite, got a sum of NaN",
    );
  });
});

describe("gradient scales", () => {
  test("root mean squares over tokens, and their shares", () => {
    const scales = gradientScales({
      logProbs: [-3, -4, 100, 0],
      advantages: [2, -1],
      offsets: [0, 3, 4],
      mask: [1, 1, 0, 1],
      entropyCoefficient: 0.5,
    });
    const policy = Math.sqrt((4 + 4 + 1) / 3);
    const entropy = Math.sqrt((9 + 16 + 0) / 3);
    expectClose(
      [
        scales.pg_grad_scale,
        scales.entropy_grad_scale,
        scales.entropy_grad_scale_with_coeff,
        scales.pg_grad_ratio,
        scales.entropy_grad_ratio,
      ],
      [policy, entropy, entropy / 2, policy / (policy + entropy / 2), entropy / 2 / (policy + entropy / 2)],
      exact,
    );
  });

  test("both zero gives shares of zero; a coefficient that is not finite is refused", () => {
    const columns = { logProbs: [-1], advantages: [0], offsets: [0, 1] };
    expect(gradientScales({ ...columns, entropyCoefficient: 0 })).toMatchObject({
      pg_grad_ratio: 0,
      entropy_grad_ratio: 0,
    });
    expect(() => gradientScales({ ...columns, entropyCoefficient: NaN })).toThrow("entropyCoefficient must be a finite number, got NaN");
  });
});
