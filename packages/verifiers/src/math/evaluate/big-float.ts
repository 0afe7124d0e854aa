// Real numbers with many digits: a BigInt mantissa times a power of two, and a bound of the error. Own code, since it must be bounded.
import type { Rational } from "../rational.ts";

/** Bits of a mantissa: 70 decimal digits. */
export const PRECISION = 240;
/** Values beyond 2 to this power are undefined: nothing that an answer compares is so large and not a power tower. */
const MAX_EXPONENT = 2 ** 40;

/** `mantissa * 2^exponent`, off by at most `2^error`; `error` is -Infinity for an exact value. */
export interface BigFloat {
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly error: number;
}

export const ZERO: BigFloat = { mantissa: 0n, exponent: 0, error: -Infinity };

/** Bits of |n|; 0 for 0. */
export function bits(n: bigint): number {
  if (n === 0n) return 0;
  const hex = (n < 0n ? -n : n).toString(16);
  return (hex.length - 1) * 4 + 32 - Math.clz32(Number.parseInt(hex[0]!, 16));
}

/** Exponent of the leading bit: 2^(result − 1) ≤ |x| < 2^result; -Infinity for 0. */
export function magnitudeOf(x: BigFloat): number {
  return x.mantissa === 0n ? -Infinity : bits(x.mantissa) + x.exponent;
}

/** A value with its mantissa cut to the precision; undefined if it is too large or too small. */
export function bigFloat(mantissa: bigint, exponent: number, error: number): BigFloat | undefined {
  const excess = bits(mantissa) - PRECISION;
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined;
  if (excess <= 0) return { mantissa, exponent, error };
  return { mantissa: mantissa >> BigInt(excess), exponent: exponent + excess, error: Math.max(error, exponent + excess) + 1 };
}

export function fromInteger(n: bigint): BigFloat | undefined {
  return bigFloat(n, 0, -Infinity);
}

export function fromRational({ numerator, denominator }: Rational): BigFloat | undefined {
  const [a, b] = [fromInteger(numerator), fromInteger(denominator)];
  return a && b && (denominator === 1n ? a : divide(a, b));
}

export function negate(x: BigFloat): BigFloat {
  return { ...x, mantissa: -x.mantissa };
}

export function add(a: BigFloat, b: BigFloat): BigFloat | undefined {
  if (a.mantissa === 0n) return { ...b, error: Math.max(a.error, b.error) + (a.error === -Infinity ? 0 : 1) };
  if (b.mantissa === 0n) return add(b, a);
  const [high, low] = a.exponent >= b.exponent ? [a, b] : [b, a];
  const shift = high.exponent - low.exponent;
  // What is too small to matter is only an error.
  if (shift > 4 * PRECISION) return { ...high, error: Math.max(high.error, magnitudeOf(low), low.error) + 1 };
  const error = Math.max(a.error, b.error);
  return bigFloat((high.mantissa << BigInt(shift)) + low.mantissa, low.exponent, error === -Infinity ? error : error + 1);
}

export function subtract(a: BigFloat, b: BigFloat): BigFloat | undefined {
  return add(a, negate(b));
}

export function multiply(a: BigFloat, b: BigFloat): BigFloat | undefined {
  const error = Math.max(magnitudeOf(a) + b.error, magnitudeOf(b) + a.error, a.error + b.error);
  return bigFloat(a.mantissa * b.mantissa, a.exponent + b.exponent, Number.isNaN(error) || error === -Infinity ? -Infinity : error + 2);
}

/** The quotient; undefined where the divisor may be 0. */
export function divide(a: BigFloat, b: BigFloat): BigFloat | undefined {
  if (isZero(b)) return undefined;
  if (a.mantissa === 0n) return { ...ZERO, error: a.error - magnitudeOf(b) + 2 };
  const shift = Math.max(0, PRECISION + 8 - bits(a.mantissa) + bits(b.mantissa));
  const mantissa = (a.mantissa << BigInt(shift)) / b.mantissa;
  const exponent = a.exponent - b.exponent - shift;
  const size = bits(mantissa) + exponent;
  const error = Math.max(a.error - magnitudeOf(b) + 1, size + b.error - magnitudeOf(b) + 1, exponent);
  return bigFloat(mantissa, exponent, error + 2);
}

/** The square root of a number that is not negative. */
export function squareRoot(x: BigFloat): BigFloat | undefined {
  if (x.mantissa < 0n) return undefined;
  if (x.mantissa === 0n) return { ...ZERO, error: x.error / 2 };
  let shift = Math.max(0, 2 * PRECISION + 16 - bits(x.mantissa));
  if ((x.exponent - shift) % 2 !== 0) shift++;
  const root = integerSquareRoot(x.mantissa << BigInt(shift));
  const exponent = (x.exponent - shift) / 2;
  const size = bits(root) + exponent;
  return bigFloat(root, exponent, Math.max(x.error - size + 1, exponent) + 1);
}

function integerSquareRoot(n: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(bits(n) / 2));
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** Whether 0 is within the error. */
export function isZero(x: BigFloat): boolean {
  return x.mantissa === 0n || magnitudeOf(x) - 1 <= x.error;
}

/** `x` in units of 2^-scale, rounded. */
export function toFixed(x: BigFloat, scale: number): bigint {
  const shift = x.exponent + scale;
  return shift >= 0 ? x.mantissa << BigInt(shift) : x.mantissa >> BigInt(-shift);
}
