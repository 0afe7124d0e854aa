// A second opinion on constants that doubles cannot tell apart: both sides with 70 digits, complex.
import { evaluateExactly } from "./exact.ts";
import { add, divide, fromInteger, fromRational, isZero, magnitudeOf, multiply, negate, squareRoot, subtract, ZERO } from "./big-float.ts";
import type { BigFloat } from "./big-float.ts";
import { arcTangent, exp, log, PI, sinCos, wholePower } from "./big-functions.ts";
import type { Scope } from "./numeric.ts";
import { bitLength } from "../rational.ts";
import type { Expression, ExpressionOf } from "../syntax/expression.ts";

interface BigComplex {
  readonly re: BigFloat;
  readonly im: BigFloat;
}

/** Steps that one operation on many digits costs. */
const STEPS = 20;
/** The difference of equal constants is known to be below the larger one, or below 1, by this factor: 10^-36. */
const AGREEMENT_BITS = 120;
const ONE_FLOAT = fromInteger(1n)!;
const ONE: BigComplex = { re: ONE_FLOAT, im: ZERO };
const TEN: BigComplex = { re: fromInteger(10n)!, im: ZERO };

/**
 * Whether two constants agree to many digits and, where they are large, to less than one; `unresolved` if 70 digits do not tell, and
 * undefined where one holds a function that has no rule here.
 */
export function preciselyEqual(a: Expression, b: Expression, scope: Scope): boolean | "unresolved" | undefined {
  const [x, y] = [valueOf(a, scope), valueOf(b, scope)];
  if (x === undefined || y === undefined) return undefined;
  const [re, im] = [subtract(x.re, y.re), subtract(x.im, y.im)];
  if (re === undefined || im === undefined) return undefined;
  if (!isZero(re) || !isZero(im)) return false;
  const size = Math.max(0, ...[x.re, x.im, y.re, y.im].map(magnitudeOf));
  return Math.max(re.error, im.error) <= Math.min(size - AGREEMENT_BITS, -8) ? true : "unresolved";
}

function valueOf(expression: Expression, scope: Scope): BigComplex | undefined {
  scope.budget.spend(STEPS);
  const exact = expression.kind === "number" || expression.kind === "call" ? evaluateExactly(expression, scope.budget) : undefined;
  if (exact !== undefined) return fromReal(fromRational(exact));
  const at = (part: Expression): BigComplex | undefined => valueOf(part, scope);
  switch (expression.kind) {
    case "constant":
      return constant(expression.name);
    case "sum":
      return fold(expression.terms, at, plus);
    case "product":
      return fold(expression.factors, at, times);
    case "quotient":
      return both(at(expression.numerator), at(expression.denominator), over);
    case "negative": {
      const z = at(expression.operand);
      return z && { re: negate(z.re), im: negate(z.im) };
    }
    case "percent":
      return both(at(expression.operand), fromReal(fromInteger(100n)), over);
    case "degree":
      return both(at(expression.operand), both(fromReal(PI), fromReal(fromInteger(180n)), over), times);
    case "power":
      return power(expression, scope);
    case "call":
      return call(expression, scope);
    default:
      return undefined;
  }
}

function constant(name: ExpressionOf<"constant">["name"]): BigComplex | undefined {
  switch (name) {
    case "pi":
      return fromReal(PI);
    case "e":
      return fromReal(exp(ONE_FLOAT));
    case "i":
      return { re: ZERO, im: ONE_FLOAT };
    case "infinity":
      return undefined;
  }
}

function fromReal(re: BigFloat | undefined): BigComplex | undefined {
  return re && { re, im: ZERO };
}

type Binary = (a: BigComplex, b: BigComplex) => BigComplex | undefined;

function both(a: BigComplex | undefined, b: BigComplex | undefined, combine: Binary): BigComplex | undefined {
  return a && b && combine(a, b);
}

function fold(parts: readonly Expression[], at: (part: Expression) => BigComplex | undefined, combine: Binary): BigComplex | undefined {
  let result = at(parts[0]!);
  for (let i = 1; i < parts.length && result !== undefined; i++) result = both(result, at(parts[i]!), combine);
  return result;
}

const plus: Binary = (a, b) => pair(add(a.re, b.re), add(a.im, b.im));

const times: Binary = (a, b) => {
  const [p, q, r, s] = [multiply(a.re, b.re), multiply(a.im, b.im), multiply(a.re, b.im), multiply(a.im, b.re)];
  return p && q && r && s && pair(subtract(p, q), add(r, s));
};

const over: Binary = (a, b) => {
  if (isExactZero(b.im)) return pair(divide(a.re, b.re), divide(a.im, b.re));
  const [x, y] = [multiply(b.re, b.re), multiply(b.im, b.im)];
  const size = x && y && add(x, y);
  const product = times(a, { re: b.re, im: negate(b.im) });
  return size && product && pair(divide(product.re, size), divide(product.im, size));
};

function pair(re: BigFloat | undefined, im: BigFloat | undefined): BigComplex | undefined {
  return re && im && { re, im };
}

function isExactZero(x: BigFloat): boolean {
  return x.mantissa === 0n && x.error === -Infinity;
}

function modulus(z: BigComplex): BigFloat | undefined {
  if (isExactZero(z.im)) return z.re.mantissa < 0n ? negate(z.re) : z.re;
  const [x, y] = [multiply(z.re, z.re), multiply(z.im, z.im)];
  const sum = x && y && add(x, y);
  return sum && squareRoot(sum);
}

function complexLog(z: BigComplex): BigComplex | undefined {
  const size = modulus(z);
  if (size === undefined || isZero(size)) return undefined;
  if (isExactZero(z.im)) return pair(log(size), z.re.mantissa < 0n ? PI : ZERO);
  // On the cut, within the error: the upper side, as doubles have it.
  return pair(log(size), isZero(z.im) && z.re.mantissa < 0n ? PI : arcTangent(z.im, z.re));
}

function complexExp(z: BigComplex): BigComplex | undefined {
  const size = exp(z.re);
  if (size === undefined) return undefined;
  if (isExactZero(z.im)) return fromReal(size);
  const turned = sinCos(z.im);
  return turned && pair(multiply(size, turned.cos), multiply(size, turned.sin));
}

function power({ base, exponent }: ExpressionOf<"power">, scope: Scope): BigComplex | undefined {
  const value = valueOf(base, scope);
  const index = evaluateExactly(exponent, scope.budget);
  if (value === undefined) return undefined;
  if (index === undefined) return both(value, valueOf(exponent, scope), complexPower);
  const whole = index.numerator % index.denominator === 0n;
  if (whole && bitLength(index.numerator) <= 64) return wholeComplexPower(value, index.numerator / index.denominator);
  if (scope.roots === "real" && index.denominator % 2n === 1n && isExactZero(value.im) && value.re.mantissa < 0n) {
    const positive = both(fromReal(negate(value.re)), fromReal(fromRational(index)), complexPower);
    return positive && (index.numerator % 2n === 0n ? positive : { re: negate(positive.re), im: ZERO });
  }
  return both(value, fromReal(fromRational(index)), complexPower);
}

const complexPower: Binary = (a, b) => {
  const logarithm = complexLog(a);
  const product = logarithm && times(b, logarithm);
  return product && complexExp(product);
};

function wholeComplexPower(z: BigComplex, n: bigint): BigComplex | undefined {
  if (n < 0n) {
    const positive = wholeComplexPower(z, -n);
    return positive && over(ONE, positive);
  }
  if (isExactZero(z.im)) return fromReal(wholePower(z.re, n));
  let result: BigComplex | undefined = ONE;
  let square: BigComplex | undefined = z;
  for (let k = n; k > 0n; k >>= 1n) {
    if (k & 1n) result = both(result, square, times);
    if (k > 1n) square = both(square, square, times);
  }
  return result;
}

function root(z: BigComplex, degree: bigint, scope: Scope): BigComplex | undefined {
  if (isExactZero(z.im)) {
    const negative = z.re.mantissa < 0n;
    if (degree === 2n) return negative ? pair(ZERO, squareRoot(negate(z.re))) : fromReal(squareRoot(z.re));
    if (negative && degree % 2n === 1n && scope.roots === "real") {
      const positive = root({ re: negate(z.re), im: ZERO }, degree, scope);
      return positive && { re: negate(positive.re), im: ZERO };
    }
  }
  return both(z, fromReal(fromRational({ numerator: 1n, denominator: degree })), complexPower);
}

function call({ name, args }: ExpressionOf<"call">, scope: Scope): BigComplex | undefined {
  const z = valueOf(args[0]!, scope);
  if (z === undefined) return undefined;
  const isReal = isExactZero(z.im);
  switch (name) {
    case "root": {
      const degree = evaluateExactly(args[1]!, scope.budget);
      return degree?.denominator === 1n && degree.numerator > 0n && degree.numerator < 1_000n
        ? root(z, degree.numerator, scope)
        : undefined;
    }
    case "exp":
      return complexExp(z);
    case "ln":
      return complexLog(z);
    case "log": {
      const base = args[1] === undefined ? (scope.logBase === 10 ? TEN : constant("e")) : valueOf(args[1], scope);
      return both(complexLog(z), base && complexLog(base), over);
    }
    case "abs":
      return fromReal(modulus(z));
    case "Re":
      return fromReal(z.re);
    case "Im":
      return fromReal(z.im);
    case "conjugate":
      return { re: z.re, im: negate(z.im) };
    default:
      return isReal ? fromReal(realFunction(name, z.re)) : undefined;
  }
}

function realFunction(name: string, x: BigFloat): BigFloat | undefined {
  const turned = ["sin", "cos", "tan", "cot", "sec", "csc"].includes(name) ? sinCos(x) : undefined;
  switch (name) {
    case "sin":
      return turned?.sin;
    case "cos":
      return turned?.cos;
    case "tan":
      return turned && divide(turned.sin, turned.cos);
    case "cot":
      return turned && divide(turned.cos, turned.sin);
    case "sec":
      return turned && divide(ONE_FLOAT, turned.cos);
    case "csc":
      return turned && divide(ONE_FLOAT, turned.sin);
    case "arctan":
      return arcTangent(x, ONE_FLOAT);
    case "arcsin":
    case "arccos": {
      const square = multiply(x, x);
      const rest = square && subtract(ONE_FLOAT, square);
      const leg = rest && (isZero(rest) ? { ...ZERO, error: rest.error / 2 } : squareRoot(rest));
      return leg && (name === "arcsin" ? arcTangent(x, leg) : arcTangent(leg, x));
    }
    default:
      return undefined;
  }
}
