// Every 16-bit pattern, and rounding at and around ties. Float16Array (Node.js 24) is the independent reference for float16.
import fc from "fast-check";
import { expect, test } from "vitest";
import { narrowToBfloat16, narrowToFloat16, widenBfloat16Into, widenFloat16Into } from "./half-precision.ts";

const patterns = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
const widened = (into: typeof widenFloat16Into, bits: Uint16Array) => {
  const out = new Float32Array(bits.length);
  into(out, 0, bits);
  return out;
};
/** Float16Array is not in the ES2024 library types, nor in Node.js 22. */
const Float16 = (
  globalThis as unknown as {
    Float16Array?: new (source: ArrayLike<number> | ArrayBufferLike) => ArrayLike<number> & { buffer: ArrayBuffer };
  }
).Float16Array;

test("bfloat16 is the upper half of float32, for every pattern", () => {
  const out = widened(widenBfloat16Into, patterns);
  expect([...new Uint32Array(out.buffer).map((word) => word >>> 16)]).toEqual([...patterns]);
  expect(new Uint32Array(out.buffer).every((word) => (word & 0xffff) === 0)).toBe(true);
});

test("float16 by hand: one, smallest, largest, subnormal, infinities, NaN, signed zero", () => {
  const out = widened(widenFloat16Into, Uint16Array.of(0x3c00, 0x0001, 0x7bff, 0x03ff, 0x7c00, 0xfc00, 0x7e00, 0x8000, 0xb555));
  expect([...out]).toEqual([1, 2 ** -24, 65_504, 1023 * 2 ** -24, Infinity, -Infinity, NaN, -0, -0.333251953125]);
});

test.runIf(Float16)("float16 equals Float16Array, for every pattern and back", () => {
  expect([...widened(widenFloat16Into, patterns)]).toEqual(Array.from(new Float16!(patterns.buffer)));
});

test("widening then narrowing gives every pattern back, NaN apart", () => {
  for (const [widenInto, narrow] of [
    [widenBfloat16Into, narrowToBfloat16],
    [widenFloat16Into, narrowToFloat16],
  ] as const) {
    const values = widened(widenInto, patterns);
    const back = narrow(values);
    expect(
      patterns.every((bits, i) =>
        Number.isNaN(values[i]) ? Number.isNaN(widened(widenInto, back.subarray(i, i + 1))[0]) : back[i] === bits,
      ),
    ).toBe(true);
  }
});

test("narrowing rounds to nearest, ties to even", () => {
  // One unit in the last place of 1 is 2^-7 in bfloat16 and 2^-10 in float16.
  expect([...narrowToBfloat16(Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, 1.9999999, -1 - 2 ** -8))]).toEqual([
    0x3f80, 0x3f82, 0x3f81, 0x4000, 0xbf80,
  ]);
  expect([
    ...narrowToFloat16(
      Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20, 2 ** -25, 3 * 2 ** -25, 2 ** -14 - 2 ** -26),
    ),
  ]).toEqual([0x3c00, 0x3c02, 0x3c01, 0, 2, 0x400]);
});

test.runIf(Float16)("narrowing to float16 equals Float16Array on any float32 that fits", () => {
  fc.assert(
    fc.property(fc.float32Array({ maxLength: 200, min: -65_000, max: 65_000, noNaN: true }), (values) => {
      const reference = new Float16!(values);
      expect([...narrowToFloat16(values)]).toEqual([...new Uint16Array(reference.buffer)]);
    }),
  );
});

test("a finite value that does not fit is an error, infinity is not", () => {
  expect(() => narrowToFloat16(Float32Array.of(1, 65_520))).toThrow(
    "narrowing to float16: expected values that fit float16, got 65520. Write float32 instead",
  );
  expect([...narrowToFloat16(Float32Array.of(65_519, Infinity, -Infinity))]).toEqual([0x7bff, 0x7c00, 0xfc00]);
  expect(() => narrowToBfloat16(Float32Array.of(-3.4e38))).toThrow("values that fit bfloat16");
  expect([...narrowToBfloat16(Float32Array.of(3.38e38, -Infinity))]).toEqual([0x7f7e, 0xff80]);
});
