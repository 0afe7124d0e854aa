// Complex doubles that carry a bound of their rounding error, so that equality needs no guessed tolerance.

/** `re + i im`, each off by at most about `err`. NaN marks an undefined value. */
export interface Complex {
  readonly re: number;
  readonly im: number;
  readonly err: number;
}

const EPSILON = 2 ** -52;
/** A nonzero value below this has lost digits; it counts as undefined, so that no two tiny numbers seem equal. */
const SMALLEST = 1e-290;

export function real(re: number, err = Math.abs(re) * EPSILON): Complex {
  return { re, im: 0, err };
}

export const UNDEFINED: Complex = { re: Number.NaN, im: Number.NaN, err: Number.NaN };
export const IMAGINARY_UNIT: Complex = { re: 0, im: 1, err: 0 };

export function isFiniteComplex({ re, im, err }: Complex): boolean {
  return Number.isFinite(re) && Number.isFinite(im) && Number.isFinite(err);
}

export function magnitude({ re, im }: Complex): number {
  return im === 0 ? Math.abs(re) : Math.hypot(re, im);
}

export function add(a: Complex, b: Complex): Complex {
  const re = a.re + b.re;
  const im = a.im + b.im;
  return { re, im, err: a.err + b.err + EPSILON * (Math.abs(re) + Math.abs(im)) };
}

export function subtract(a: Complex, b: Complex): Complex {
  return add(a, negate(b));
}

export function negate(a: Complex): Complex {
  return { re: -a.re, im: -a.im, err: a.err };
}

export function multiply(a: Complex, b: Complex): Complex {
  const re = a.re * b.re - a.im * b.im;
  const im = a.re * b.im + a.im * b.re;
  const [m, n] = [magnitude(a), magnitude(b)];
  if (m * n < SMALLEST && m > 0 && n > 0) return UNDEFINED;
  return { re, im, err: m * b.err + n * a.err + a.err * b.err + 2 * EPSILON * m * n };
}

export function divide(a: Complex, b: Complex): Complex {
  const n = magnitude(b);
  if (n === 0 || n <= b.err) return UNDEFINED;
  const scaled = { re: b.re / n, im: b.im / n };
  const re = (a.re * scaled.re + a.im * scaled.im) / n;
  const im = (a.im * scaled.re - a.re * scaled.im) / n;
  const quotient = Math.hypot(re, im);
  if (quotient < SMALLEST && magnitude(a) > 0) return UNDEFINED;
  return { re, im, err: (a.err + quotient * b.err) / (n - b.err) + 3 * EPSILON * quotient };
}

export function exp(a: Complex): Complex {
  const r = Math.exp(a.re);
  if (r < SMALLEST) return UNDEFINED;
  return {
    re: a.im === 0 ? r : r * Math.cos(a.im),
    im: a.im === 0 ? 0 : r * Math.sin(a.im),
    err: r * (a.err + 2 * EPSILON * (1 + magnitude(a))),
  };
}

/** The principal logarithm. A negative real stays on the upper side of the cut whatever its rounding. */
export function log(a: Complex): Complex {
  const n = magnitude(a);
  if (n === 0 || n <= a.err) return UNDEFINED;
  const value = Math.log(n);
  return { re: value, im: argument(a), err: a.err / (n - a.err) + EPSILON * (1 + Math.abs(value)) };
}

/** In (-π, π]. An imaginary part within the error of a negative real is rounding, not a side of the cut. */
export function argument(a: Complex): number {
  return a.re < 0 && Math.abs(a.im) <= a.err ? Math.PI : Math.atan2(a.im, a.re);
}

export function squareRoot(a: Complex): Complex {
  const n = magnitude(a);
  if (n <= a.err) return { re: 0, im: 0, err: Math.sqrt(a.err + n) };
  const err = a.err / (2 * Math.sqrt(n - a.err)) + 2 * EPSILON * Math.sqrt(n);
  if (a.im === 0) return a.re >= 0 ? { re: Math.sqrt(a.re), im: 0, err } : { re: 0, im: Math.sqrt(-a.re), err };
  const half = argument(a) / 2;
  const root = Math.sqrt(n);
  return { re: root * Math.cos(half), im: root * Math.sin(half), err };
}

/** `a ** b`: repeated squaring for small whole exponents, else the principal value exp(b log a). */
export function power(a: Complex, b: Complex): Complex {
  if (b.im === 0 && Number.isInteger(b.re) && b.err <= Math.abs(b.re) * EPSILON * 2 && Math.abs(b.re) <= 1_024) return wholePower(a, b.re);
  if (b.im === 0 && b.re === 0.5) return squareRoot(a);
  if (magnitude(a) === 0) return b.re > 0 ? { re: 0, im: 0, err: 0 } : UNDEFINED;
  if (a.im === 0 && a.re > 0 && b.im === 0) {
    const re = a.re ** b.re;
    if (re < SMALLEST) return UNDEFINED;
    return {
      re,
      im: 0,
      err: re * (Math.abs((b.re * a.err) / a.re) + b.err * Math.abs(Math.log(a.re)) + EPSILON * (2 + Math.abs(b.re * Math.log(a.re)))),
    };
  }
  return exp(multiply(b, log(a)));
}

function wholePower(a: Complex, exponent: number): Complex {
  if (exponent === 0) return magnitude(a) <= a.err ? UNDEFINED : real(1, 0);
  let result: Complex | undefined;
  let square = a;
  for (let n = Math.abs(exponent); n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) result = result === undefined ? square : multiply(result, square);
    if (n > 1) square = multiply(square, square);
  }
  return exponent > 0 ? result! : divide(real(1, 0), result!);
}

/** A function of one real variable, applied where its argument is real; `slope` bounds its derivative there. */
export function ofReal(a: Complex, f: (x: number) => number, slope: number): Complex {
  const value = f(a.re);
  return { re: value, im: 0, err: slope * a.err + 2 * EPSILON * (Math.abs(value) + slope * Math.abs(a.re)) };
}
