// Philox against the published test vectors; what the keyed draws promise.
import { describe, expect, it } from "vitest";
import { fillKeyedNormals, fillKeyedUniforms, keyedNormal, keyedUniform, philox4x32 } from "./keyed-random.ts";

const KEY = { seed: 11, step: 3, prompt: 5, sample: 2, position: 40 };

describe("philox4x32", () => {
  // Random123 1.14, tests/kat_vectors, "philox4x32 10"
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)("counter %j, key %j", (counter, key, expected) => {
    expect(philox4x32(counter, key)).toEqual(expected);
  });
});

describe("keyedUniform", () => {
  it("is the first word of its key's block, as a 24-bit fraction", () => {
    expect(keyedUniform({ seed: 0, step: 0, prompt: 0, sample: 0, position: 0 })).toBe(0x6627e8 / 2 ** 24);
  });

  it("changes with every part of the key", () => {
    const variants = [
      KEY,
      ...(["seed", "step", "prompt", "sample", "position"] as const).map((part) => ({
        ...KEY,
        [part]: KEY[part] + 1,
      })),
      { ...KEY, seed: KEY.seed + 2 ** 32 },
    ];
    expect(new Set(variants.map(keyedUniform)).size).toBe(variants.length);
  });

  it("is uniform: mean and variance of 100000 draws within five standard errors", () => {
    const draws = Float64Array.from({ length: 100_000 }, (_, position) => keyedUniform({ ...KEY, position }));
    const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
    const variance = draws.reduce((a, b) => a + (b - 0.5) ** 2, 0) / draws.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan((5 * Math.sqrt(1 / 12)) / Math.sqrt(draws.length));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan((5 * Math.sqrt(1 / 180)) / Math.sqrt(draws.length));
    expect(Math.max(...draws)).toBeLessThan(1);
  });

  it("refuses a part that is no unsigned 32-bit integer", () => {
    expect(() => keyedUniform({ ...KEY, position: -1 })).toThrow(/keyedUniform: position must be an integer/);
    expect(() => keyedUniform({ ...KEY, prompt: 2 ** 32 })).toThrow(/prompt/);
    expect(() => keyedUniform({ ...KEY, seed: 0.5 })).toThrow(/seed/);
  });
});

describe("fillKeyedUniforms", () => {
  it("gives a row the same number in any batch", () => {
    const out = new Float32Array(3);
    fillKeyedUniforms(out, {
      seed: 11,
      step: 3,
      prompts: [5, 5, 6],
      samples: [2, 0, 2],
      positions: [40, 41, 40],
    });
    expect(out[0]).toBe(keyedUniform(KEY));
    expect(out[2]).toBe(keyedUniform({ ...KEY, prompt: 6 }));
  });

  it("refuses arrays of another length", () => {
    expect(() =>
      fillKeyedUniforms(new Float32Array(2), {
        seed: 0,
        step: 0,
        prompts: [1],
        samples: [1, 2],
        positions: [0, 0],
      }),
    ).toThrow(/prompts must be 2 entries/);
  });
});

describe("keyedNormal", () => {
  it("equals the array filler, whatever the array's length", () => {
    const out = new Float32Array(7);
    fillKeyedNormals(out, { seed: 4, stream: "weight", mean: 1, standardDeviation: 0.5 });
    expect([...out]).toEqual(Array.from(out, (_, index) => Math.fround(1 + 0.5 * keyedNormal({ seed: 4, stream: "weight", index }))));
  });

  it("has the normal's first four moments and independent streams", () => {
    const draw = (stream: string) => {
      const out = new Float32Array(100_000);
      fillKeyedNormals(out, { seed: 4, stream, mean: 0, standardDeviation: 1 });
      return out;
    };
    const [a, b] = [draw("a"), draw("b")];
    const moment = (power: number) => a.reduce((sum, x) => sum + x ** power, 0) / a.length;
    // five standard errors: of x^k they are sqrt(var(x^k)/n) with var 1, 2, 15, 96
    const bound = (variance: number) => 5 * Math.sqrt(variance / a.length);
    expect(Math.abs(moment(1))).toBeLessThan(bound(1));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(bound(2));
    expect(Math.abs(moment(3))).toBeLessThan(bound(15));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(bound(96));
    expect(Math.abs(a.reduce((sum, x, i) => sum + x * b[i]!, 0) / a.length)).toBeLessThan(bound(1));
  });
});
