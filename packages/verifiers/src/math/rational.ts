// Exact rational numbers on BigInt, bounded: an operation whose result would be too large has none.
import { MAX_EXACT_BITS } from "./limits.ts";

/** `numerator / denominator`; the denominator is positive, the fraction need not be reduced. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const ZERO: Rational = { numerator: 0n, denominator: 1n };
export const ONE: Rational = { numerator: 1n, denominator: 1n };

/** Above this many bits a fraction is reduced when it is made, so that sums of many do not grow without need. */
const REDUCE_FROM_BITS = 192;
/** Above this many bits reducing costs more than it saves. */
const REDUCE_TO_BITS = 768;
const WORD = 1n << 64n;

/** Upper bound of the number of bits of |n|, exact to four bits. */
export function bitLength(n: bigint): number {
  const magnitude = n < 0n ? -n : n;
  return magnitude < WORD ? 64 : magnitude.toString(16).length * 4;
}

export function rational(numerator: bigint, denominator = 1n): Rational | undefined {
  if (denominator === 0n) return undefined;
  const bits = Math.max(bitLength(numerator), bitLength(denominator));
  if (bits > MAX_EXACT_BITS) return undefined;
  const sign = denominator < 0n ? -1n : 1n;
  if (bits > REDUCE_FROM_BITS && bits <= REDUCE_TO_BITS && denominator !== 1n) {
    const divisor = gcd(numerator, denominator) * sign;
    return { numerator: numerator / divisor, denominator: denominator / divisor };
  }
  return { numerator: sign * numerator, denominator: sign * denominator };
}

export function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

export function add(a: Rational, b: Rational): Rational | undefined {
  if (a.denominator === b.denominator) return rational(a.numerator + b.numerator, a.denominator);
  return rational(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);
}

export function multiply(a: Rational, b: Rational): Rational | undefined {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** The quotient, or undefined for division by zero. */
export function divide(a: Rational, b: Rational): Rational | undefined {
  return rational(a.numerator * b.denominator, a.denominator * b.numerator);
}

export function negate(a: Rational): Rational {
  return { numerator: -a.numerator, denominator: a.denominator };
}

/** `a ** exponent` for a whole exponent; undefined for 0 to a power below one, and for results too large to hold. */
export function power(a: Rational, exponent: bigint): Rational | undefined {
  if (exponent < 0n) return a.numerator === 0n ? undefined : power(invert(a), -exponent);
  if (a.numerator === 0n) return exponent === 0n ? undefined : ZERO;
  if (a.denominator === 1n && (a.numerator === 1n || a.numerator === -1n)) return exponent % 2n === 0n ? ONE : a;
  const bits = Math.max(exactBits(a.numerator), exactBits(a.denominator));
  if (exponent > BigInt(MAX_EXACT_BITS) || (bits - 1) * Number(exponent) > MAX_EXACT_BITS) return undefined;
  return rational(a.numerator ** exponent, a.denominator ** exponent);
}

function invert(a: Rational): Rational {
  return a.numerator < 0n
    ? { numerator: -a.denominator, denominator: -a.numerator }
    : { numerator: a.denominator, denominator: a.numerator };
}

function exactBits(n: bigint): number {
  return (n < 0n ? -n : n).toString(2).length;
}

/** The exact `degree`-th root of `a` if it has a rational one; odd roots of negatives are negative. */
export function exactRoot(a: Rational, degree: number): Rational | undefined {
  if (a.numerator < 0n) {
    const positive = degree % 2 === 1 ? exactRoot(negate(a), degree) : undefined;
    return positive === undefined ? undefined : negate(positive);
  }
  const divisor = bitLength(a.numerator) <= 1_024 && bitLength(a.denominator) <= 1_024 ? gcd(a.numerator, a.denominator) : 1n;
  const numerator = integerRoot(a.numerator / divisor, degree);
  const denominator = numerator === undefined ? undefined : integerRoot(a.denominator / divisor, degree);
  return denominator === undefined ? undefined : { numerator: numerator!, denominator };
}

/** The exact root of a natural number, by Newton's method, or undefined if there is none or the number is too large to try. */
function integerRoot(n: bigint, degree: number): bigint | undefined {
  if (n < 2n) return n;
  if (bitLength(n) > 8_192 || degree < 2 || degree > 64) return undefined;
  const k = BigInt(degree);
  let root = 1n << BigInt(Math.ceil(exactBits(n) / degree));
  for (;;) {
    const next = ((k - 1n) * root + n / root ** (k - 1n)) / k;
    if (next >= root) break;
    root = next;
  }
  return root ** k === n ? root : undefined;
}

/** `a * 10^exponent`. */
export function scaleByPowerOfTen(a: Rational, exponent: number): Rational {
  const factor = 10n ** BigInt(Math.abs(exponent));
  return exponent < 0
    ? { numerator: a.numerator, denominator: a.denominator * factor }
    : { numerator: a.numerator * factor, denominator: a.denominator };
}

export function rationalsEqual(a: Rational, b: Rational): boolean {
  return a.numerator * b.denominator === b.numerator * a.denominator;
}

/** -1, 0 or 1 as `a` is less than, equal to or greater than `b`. */
export function compareRationals(a: Rational, b: Rational): -1 | 0 | 1 {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function isWhole(a: Rational): boolean {
  return a.denominator === 1n || a.numerator % a.denominator === 0n;
}

/** The nearest double: infinite or 0 for a number that has none. */
export function toNumber(a: Rational): number {
  const excess = Math.max(bitLength(a.numerator), bitLength(a.denominator)) - 900;
  if (excess <= 0) return Number(a.numerator) / Number(a.denominator);
  const numeratorShift = Math.max(0, bitLength(a.numerator) - 128);
  const denominatorShift = Math.max(0, bitLength(a.denominator) - 128);
  const scaled = Number(a.numerator >> BigInt(numeratorShift)) / Number(a.denominator >> BigInt(denominatorShift));
  const exponent = numeratorShift - denominatorShift;
  const half = Math.trunc(exponent / 2);
  return scaled * 2 ** half * 2 ** (exponent - half);
}
