// exp, log, sine, cosine and arc tangent with many digits, by series after reduction of the argument. Fixed-point BigInt inside.
import { add, bigFloat, bits, fromInteger, magnitudeOf, multiply, PRECISION, toFixed } from "./big-float.ts";
import type { BigFloat } from "./big-float.ts";

/** Bits behind the point inside a series: the precision and guard bits. */
const SCALE = PRECISION + 48;
const BITS = BigInt(SCALE);
const ONE = 1n << BITS;
/** Arguments of exp and of the angle functions beyond 2 to this power have lost their fractions. */
const MAX_ARGUMENT_BITS = 40;
/** Error of a series' result, in bits: guard bits less what the reduction costs. */
const SERIES_ERROR = -(PRECISION + 16);

const times = (a: bigint, b: bigint): bigint => (a * b) >> BITS;

/** arctan(1/n) in fixed point. */
function arctanInverse(n: bigint): bigint {
  let power = ONE / n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power = -power / (n * n);
    sum += power / k;
  }
  return sum;
}

/** π by Machin's formula; log 2 from the series of 2 artanh(1/3). */
const PI_FIXED = 4n * (4n * arctanInverse(5n) - arctanInverse(239n));
const LOG2_FIXED = ((): bigint => {
  let power = ONE / 3n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power /= 9n;
    sum += power / k;
  }
  return 2n * sum;
})();

export const PI: BigFloat = fixed(PI_FIXED, SERIES_ERROR)!;

function fixed(value: bigint, error: number): BigFloat | undefined {
  return bigFloat(value, -SCALE, error);
}

export function exp(x: BigFloat): BigFloat | undefined {
  if (magnitudeOf(x) > MAX_ARGUMENT_BITS) return undefined;
  const argument = toFixed(x, SCALE);
  const k = (argument + LOG2_FIXED / 2n) / LOG2_FIXED;
  const whole = argument < 0n && k * LOG2_FIXED > argument + LOG2_FIXED / 2n ? k - 1n : k;
  const power = expSmall(argument - whole * LOG2_FIXED);
  const exponent = Number(whole) - SCALE;
  // The derivative of exp is exp: an argument off by 2^e makes a relative error of 2^e.
  const size = bits(power) + exponent;
  return bigFloat(power, exponent, size + Math.max(x.error, SERIES_ERROR + Math.max(0, magnitudeOf(x))) + 1);
}

/** exp of a fixed-point number of at most log 2: halved eight times, then Taylor's series, then squared back. */
function expSmall(r: bigint): bigint {
  const HALVINGS = 8n;
  const small = r >> HALVINGS;
  let term = ONE;
  let sum = ONE;
  for (let k = 1n; term !== 0n && k < 100n; k++) {
    term = times(term, small) / k;
    sum += term;
    if (term === -1n) break;
  }
  for (let i = 0n; i < HALVINGS; i++) sum = times(sum, sum);
  return sum;
}

/** The logarithm of a positive number: a double's guess, twice corrected by y += 2 (m − e^y) / (m + e^y), which triples its digits. */
export function log(x: BigFloat): BigFloat | undefined {
  if (x.mantissa <= 0n) return undefined;
  const size = magnitudeOf(x);
  const m = toFixed({ ...x, exponent: x.exponent - size }, SCALE);
  let y = BigInt(Math.round(Math.log(Number(m >> BigInt(SCALE - 53)) / 2 ** 53) * 2 ** 53)) << BigInt(SCALE - 53);
  for (let i = 0; i < 2; i++) {
    const power = expSmall(y);
    y += (2n * (m - power) * ONE) / (m + power);
  }
  const value = y + BigInt(size) * LOG2_FIXED;
  return fixed(value, Math.max(x.error - size + 1, SERIES_ERROR + 4 + bits(BigInt(size))) + 1);
}

/** Sine and cosine: reduced by quarter turns, halved three times, Taylor's series, doubled back. */
export function sinCos(x: BigFloat): { readonly sin: BigFloat; readonly cos: BigFloat } | undefined {
  if (magnitudeOf(x) > MAX_ARGUMENT_BITS) return undefined;
  const argument = toFixed(x, SCALE);
  const quarter = PI_FIXED / 2n;
  const turns = (2n * argument + (argument < 0n ? -quarter : quarter)) / (2n * quarter);
  const small = (argument - turns * quarter) >> 3n;
  const square = times(small, small);
  let sine = small;
  let cosine = ONE;
  let [sineTerm, cosineTerm] = [small, ONE];
  for (let k = 1n; k < 60n && (sineTerm > 1n || sineTerm < -1n || cosineTerm > 1n || cosineTerm < -1n); k++) {
    cosineTerm = -times(cosineTerm, square) / ((2n * k - 1n) * (2n * k));
    sineTerm = -times(sineTerm, square) / (2n * k * (2n * k + 1n));
    cosine += cosineTerm;
    sine += sineTerm;
  }
  for (let i = 0; i < 3; i++) [sine, cosine] = [2n * times(sine, cosine), ONE - 2n * times(sine, sine)];
  const quadrant = ((turns % 4n) + 4n) % 4n;
  const [s, c] =
    quadrant === 0n ? [sine, cosine] : quadrant === 1n ? [cosine, -sine] : quadrant === 2n ? [-sine, -cosine] : [-cosine, sine];
  const error = Math.max(x.error, SERIES_ERROR + Math.max(0, magnitudeOf(x))) + 4;
  const [sin, cos] = [fixed(s, error), fixed(c, error)];
  return sin && cos && { sin, cos };
}

/** The angle of the point (x, y) in (-π, π]: a double's guess, twice corrected by the sine of what is left, which triples its digits. */
export function arcTangent(y: BigFloat, x: BigFloat): BigFloat | undefined {
  const size = Math.max(magnitudeOf(x), magnitudeOf(y));
  if (size === -Infinity) return undefined;
  const scaled = (z: BigFloat): bigint => toFixed({ ...z, exponent: z.exponent - size }, SCALE);
  const [fixedX, fixedY] = [scaled(x), scaled(y)];
  const double = (z: bigint): number => Number(z >> BigInt(SCALE - 60)) / 2 ** 60;
  let angle = bigFloat(BigInt(Math.round(Math.atan2(double(fixedY), double(fixedX)) * 2 ** 50)), -50, -Infinity);
  for (let i = 0; i < 3 && angle !== undefined; i++) {
    const turned = sinCos(angle);
    if (turned === undefined) return undefined;
    const [s, c] = [toFixed(turned.sin, SCALE), toFixed(turned.cos, SCALE)];
    // The point turned back by the angle: its own angle is tan^-1(v/u), which for a small one is v/u to third order.
    const [u, v] = [times(fixedX, c) + times(fixedY, s), times(fixedY, c) - times(fixedX, s)];
    if (u === 0n) return undefined;
    const correction = fixed((v * ONE) / u, -Infinity);
    angle = correction && add({ ...angle, error: -Infinity }, correction);
  }
  const error = Math.max(x.error, y.error) - size + 2;
  return angle && { ...angle, error: Math.max(error, SERIES_ERROR + 6) };
}

/** `x ** n` for a whole n by repeated squaring; undefined for 0 to a negative power and for results too large. */
export function wholePower(x: BigFloat, n: bigint): BigFloat | undefined {
  let result = fromInteger(1n);
  let square: BigFloat | undefined = x;
  for (let k = n; k > 0n; k >>= 1n) {
    if (square === undefined || result === undefined) return undefined;
    if (k & 1n) result = multiply(result, square);
    if (k > 1n) square = multiply(square, square);
  }
  return result;
}
