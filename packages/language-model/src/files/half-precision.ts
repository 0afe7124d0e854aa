// bfloat16 and float16 to and from float32, on raw 16-bit patterns. Widening is exact; narrowing rounds to nearest, ties to even.
import { NumericError } from "@longcot/errors";

/** Element types that weights are stored in. */
export type WeightDtype = "float32" | "bfloat16" | "float16";

const FLOAT16_PATTERNS = 65_536;
let float16Values: Float32Array | undefined;

/** The float32 value of each of the 65,536 float16 patterns. */
function float16Table(): Float32Array {
  if (float16Values === undefined) {
    float16Values = new Float32Array(FLOAT16_PATTERNS);
    for (let bits = 0; bits < FLOAT16_PATTERNS; bits++) {
      const sign = bits >> 15 === 0 ? 1 : -1;
      const exponent = (bits >> 10) & 0x1f;
      const fraction = bits & 0x3ff;
      if (exponent === 0x1f) float16Values[bits] = fraction === 0 ? sign * Infinity : NaN;
      else if (exponent === 0) float16Values[bits] = sign * fraction * 2 ** -24;
      else float16Values[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
    }
  }
  return float16Values;
}

/** Writes the exact float32 values of `bits` (bfloat16 patterns) to `out` from `offset` on. */
export function widenBfloat16Into(out: Float32Array, offset: number, bits: Uint16Array): void {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) words[offset + i] = bits[i]! << 16;
}

/** Writes the exact float32 values of `bits` (IEEE 754 binary16 patterns) to `out` from `offset` on. */
export function widenFloat16Into(out: Float32Array, offset: number, bits: Uint16Array): void {
  const table = float16Table();
  for (let i = 0; i < bits.length; i++) out[offset + i] = table[bits[i]!]!;
}

/**
 * The bfloat16 patterns nearest to `values`, ties to even; NaN stays NaN.
 * @throws NumericError where a finite value is too large for bfloat16.
 */
export function narrowToBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const word = words[i]!;
    if (Number.isNaN(values[i])) {
      out[i] = (word >>> 16) | 0x40;
      continue;
    }
    // Half a unit of the last kept place, and one more where that place is odd: the sum carries exactly when rounding up.
    const rounded = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
    if ((rounded & 0x7fff) === 0x7f80 && Number.isFinite(values[i])) refuseOverflow("bfloat16", values[i]!);
    out[i] = rounded;
  }
  return out;
}

/**
 * The IEEE 754 binary16 patterns nearest to `values`, ties to even; NaN stays NaN.
 * @throws NumericError where a finite value rounds to infinity (65,520 and above).
 */
export function narrowToFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const sign = (words[i]! >>> 16) & 0x8000;
    const magnitude = Math.abs(values[i]!);
    if (magnitude >= 2 ** -14) {
      // Normal: drop 13 of the 23 fraction bits with rounding, then move the exponent from bias 127 to bias 15.
      const word = words[i]! & 0x7fff_ffff;
      if (magnitude === Infinity) out[i] = sign | 0x7c00;
      else {
        const rounded = ((word + 0xfff + ((word >>> 13) & 1)) >>> 13) - (112 << 10);
        if (rounded >= 0x7c00) refuseOverflow("float16", values[i]!);
        out[i] = sign | rounded;
      }
    } else if (Number.isNaN(magnitude)) out[i] = sign | 0x7e00;
    else out[i] = sign | roundHalfToEven(magnitude * 2 ** 24);
  }
  return out;
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

function refuseOverflow(dtype: WeightDtype, value: number): never {
  throw new NumericError({
    who: `narrowing to ${dtype}`,
    expected: `values that fit ${dtype}`,
    received: String(value),
    fix: "Write float32 instead",
  });
}
