// Exact rational numbers on BigInt: what two equal number literals have in common.

/** `numerator / denominator`; the denominator is positive, the fraction need not be reduced. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** The quotient of two rationals, or undefined for division by zero. */
export function divide(a: Rational, b: Rational): Rational | undefined {
  if (b.numerator === 0n) return undefined;
  const sign = b.numerator < 0n ? -1n : 1n;
  return {
    numerator: sign * a.numerator * b.denominator,
    denominator: sign * a.denominator * b.numerator,
  };
}

export function add(a: Rational, b: Rational): Rational {
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

export function negate(a: Rational): Rational {
  return { numerator: -a.numerator, denominator: a.denominator };
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
