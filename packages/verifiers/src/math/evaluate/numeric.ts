// The value of an expression at a point, as a complex double with its error.
import type { Budget } from "../budget.ts";
import { toNumber } from "../rational.ts";
import type { Rational } from "../rational.ts";
import type { Expression, ExpressionOf } from "../syntax/expression.ts";
import { parseUnit } from "../syntax/units.ts";
import { accumulate } from "./accumulate.ts";
import {
  add,
  divide,
  IMAGINARY_UNIT,
  isFiniteComplex,
  magnitude,
  multiply,
  negate,
  power,
  real,
  squareRoot,
  UNDEFINED,
} from "./complex.ts";
import type { Complex } from "./complex.ts";
import { complexFunction, factorial, gamma } from "./functions.ts";
import { keyed } from "./keyed.ts";

/** Where an expression is evaluated, and by which conventions. */
export interface Scope {
  readonly variables: ReadonlyMap<string, Complex>;
  readonly budget: Budget;
  /** Odd roots of negative numbers: the negative real one, or the principal complex one. */
  readonly roots: "real" | "principal";
  /** Base of a logarithm written without one. */
  readonly logBase: 10 | "e";
}

const PI = real(Math.PI);
const E = real(Math.E);
const DEGREE = real(Math.PI / 180);
const HUNDREDTH = real(0.01);
const ONE = real(1, 0);
const TEN = real(10, 0);

/** The value of `expression`; undefined values, and expressions that are no number, are {@link UNDEFINED}. */
export function evaluate(expression: Expression, scope: Scope): Complex {
  scope.budget.spend(1);
  const at = (part: Expression): Complex => evaluate(part, scope);
  switch (expression.kind) {
    case "number":
      return ofRational(expression.value);
    case "constant":
      return expression.name === "pi" ? PI : expression.name === "e" ? E : expression.name === "i" ? IMAGINARY_UNIT : UNDEFINED;
    case "symbol":
      return scope.variables.get(expression.name) ?? UNDEFINED;
    case "text":
      return scope.variables.get(expression.text.toLowerCase()) ?? UNDEFINED;
    case "sum":
      return fold(expression.terms, at, add);
    case "product":
      return fold(expression.factors, at, multiply);
    case "quotient":
      return divide(at(expression.numerator), at(expression.denominator));
    case "power":
      return raise(expression, scope);
    case "negative":
      return negate(at(expression.operand));
    case "percent":
      return multiply(at(expression.operand), HUNDREDTH);
    case "degree":
      return multiply(at(expression.operand), DEGREE);
    case "quantity": {
      const unit = parseUnit(expression.unit);
      return unit === undefined ? at(expression.value) : multiply(at(expression.value), ofRational(unit.factor));
    }
    case "ratio":
      return expression.items.length === 2 ? divide(at(expression.items[0]!), at(expression.items[1]!)) : UNDEFINED;
    case "call":
      return call(expression, scope);
    case "apply":
      return unknownFunction(expression.name, expression.args.map(at));
    case "accumulation":
      return accumulate(expression, scope, evaluate);
    default:
      return UNDEFINED;
  }
}

function ofRational(value: Rational): Complex {
  const nearest = toNumber(value);
  return (nearest === 0 && value.numerator !== 0n) || !Number.isFinite(nearest) ? UNDEFINED : real(nearest);
}

function fold(parts: readonly Expression[], at: (part: Expression) => Complex, combine: (a: Complex, b: Complex) => Complex): Complex {
  let result = at(parts[0]!);
  for (let i = 1; i < parts.length; i++) {
    if (Number.isNaN(result.re)) return UNDEFINED;
    result = combine(result, at(parts[i]!));
  }
  return result;
}

function raise({ base, exponent }: ExpressionOf<"power">, scope: Scope): Complex {
  const value = evaluate(base, scope);
  const degree = oddDenominator(exponent);
  if (scope.roots === "real" && degree !== undefined && isNegative(value)) {
    const size = power(negate(value), real(Math.abs(degree.p) / degree.q));
    const signed = degree.p % 2 === 0 ? size : negate(size);
    return degree.p < 0 ? divide(ONE, signed) : signed;
  }
  return power(value, evaluate(exponent, scope));
}

function isNegative(z: Complex): boolean {
  return z.re < 0 && Math.abs(z.im) <= z.err;
}

/** `p/q` for an exponent that is written as a fraction with an odd denominator. */
function oddDenominator(exponent: Expression): { p: number; q: number } | undefined {
  if (exponent.kind === "negative") {
    const positive = oddDenominator(exponent.operand);
    return positive === undefined ? undefined : { p: -positive.p, q: positive.q };
  }
  if (exponent.kind !== "quotient" || exponent.numerator.kind !== "number" || exponent.denominator.kind !== "number") return undefined;
  const [p, q] = [toNumber(exponent.numerator.value), toNumber(exponent.denominator.value)];
  return Number.isSafeInteger(p) && Number.isSafeInteger(q) && q % 2 === 1 && q > 1 ? { p, q } : undefined;
}

function call(expression: ExpressionOf<"call">, scope: Scope): Complex {
  const { name, args } = expression;
  if (name === "det") return determinant(args[0]!, scope);
  if (name === "norm") return norm(args[0]!, scope);
  const values = args.map((arg) => evaluate(arg, scope));
  if (!values.every(isFiniteComplex)) return UNDEFINED;
  const [first, second] = values as [Complex, Complex?];
  const unary = complexFunction(name);
  if (unary !== undefined) return unary(first);
  switch (name) {
    case "root":
      return root(first, second!, scope.roots);
    case "log": {
      const log = complexFunction("ln")!;
      const base = second ?? (scope.logBase === 10 ? TEN : E);
      return divide(log(first), log(base));
    }
    case "binomial":
      return binomial(first, second!);
    case "max":
    case "min":
      return extreme(values, name === "max" ? 1 : -1);
    case "mod":
    case "gcd":
    case "lcm":
    case "doubleFactorial":
      return ofWholeNumbers(name, values);
    case "zeta":
      return unknownFunction("zeta", values);
    default:
      return UNDEFINED;
  }
}

function root(value: Complex, degree: Complex, roots: Scope["roots"]): Complex {
  if (degree.re === 2 && degree.im === 0) return squareRoot(value);
  if (roots === "real" && degree.re % 2 === 1 && degree.im === 0 && isNegative(value))
    return negate(power(negate(value), divide(ONE, degree)));
  return power(value, divide(ONE, degree));
}

function binomial(n: Complex, k: Complex): Complex {
  if (k.im === 0 && Number.isInteger(k.re) && k.re <= 64) {
    if (k.re < 0) return real(0, 0);
    let result = ONE;
    for (let j = 0; j < k.re; j++) result = divide(multiply(result, add(n, real(-j, 0))), real(j + 1, 0));
    return result;
  }
  return divide(factorial(n), multiply(factorial(k), gamma(add(add(n, negate(k)), ONE))));
}

function extreme(values: readonly Complex[], sign: 1 | -1): Complex {
  return values.reduce((best, value) => (sign * (value.re - best.re) > 0 ? value : best));
}

function ofWholeNumbers(name: string, values: readonly Complex[]): Complex {
  const whole = values.map(({ re, im }) => (im === 0 && Number.isSafeInteger(re) ? re : Number.NaN));
  if (whole.some(Number.isNaN)) return unknownFunction(name, values);
  if (name === "doubleFactorial") {
    let product = 1;
    for (let k = whole[0]!; k > 1 && k < 300; k -= 2) product *= k;
    return whole[0]! < 300 ? real(product) : UNDEFINED;
  }
  if (name === "mod") return whole[1] === 0 ? UNDEFINED : real(((whole[0]! % whole[1]!) + whole[1]!) % whole[1]!, 0);
  const divisor = (a: number, b: number): number => (b === 0 ? Math.abs(a) : divisor(b, a % b));
  return real(whole.reduce(name === "gcd" ? divisor : (a, b) => Math.abs(a * b) / divisor(a, b)), 0);
}

/** Gaussian elimination with partial pivoting. */
function determinant(expression: Expression, scope: Scope): Complex {
  if (expression.kind !== "matrix" || expression.rows.length !== expression.rows[0]!.length) return UNDEFINED;
  const rows = expression.rows.map((row) => row.map((cell) => evaluate(cell, scope)));
  scope.budget.spend(rows.length ** 3);
  let result = ONE;
  for (let k = 0; k < rows.length; k++) {
    let pivot = k;
    for (let r = k + 1; r < rows.length; r++) if (magnitude(rows[r]![k]!) > magnitude(rows[pivot]![k]!)) pivot = r;
    if (magnitude(rows[pivot]![k]!) <= rows[pivot]![k]!.err) return real(0, 0);
    if (pivot !== k) {
      [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
      result = negate(result);
    }
    result = multiply(result, rows[k]![k]!);
    for (let r = k + 1; r < rows.length; r++) {
      const factor = divide(rows[r]![k]!, rows[k]![k]!);
      for (let c = k; c < rows.length; c++) rows[r]![c] = add(rows[r]![c]!, negate(multiply(factor, rows[k]![c]!)));
    }
  }
  return result;
}

function norm(expression: Expression, scope: Scope): Complex {
  const parts = expression.kind === "bracket" ? expression.items : expression.kind === "matrix" ? expression.rows.flat() : [expression];
  const abs = complexFunction("abs")!;
  const squares = parts.map((part) => {
    const size = abs(evaluate(part, scope));
    return multiply(size, size);
  });
  return squareRoot(squares.reduce(add));
}

/**
 * A stand-in for a function without a known meaning: smooth, so that rounding of an argument matters as little as it should, and
 * keyed by the name, so that equal arguments give equal values and hardly anything else does.
 */
export function unknownFunction(name: string, args: readonly Complex[]): Complex {
  const sin = complexFunction("sin")!;
  let result = real(keyed(`${name}/${args.length}`) + 0.5, 0);
  args.forEach((arg, i) => {
    const frequency = real(0.5 + keyed(`${name}/${i}/f`), 0);
    const inner = sin(add(multiply(arg, frequency), multiply(result, real(keyed(`${name}/${i}/c`) + 0.3, 0))));
    result = add(result, multiply(inner, real(1 + keyed(`${name}/${i}/a`), 0)));
  });
  return result;
}

/** Values whose error exceeds this part of their size say too little to compare. */
const WORST_RELATIVE_ERROR = 1e-7;

/** Whether two values differ by more than their errors; undefined where either is undefined or too inexact to tell. */
export function divergesFrom(a: Complex, b: Complex): boolean | undefined {
  // One defined, the other not, is no verdict either: a removable singularity may lie here.
  if (!isFiniteComplex(a) || !isFiniteComplex(b)) return undefined;
  const difference = Math.hypot(a.re - b.re, a.im - b.im);
  const tolerance = 4 * (a.err + b.err);
  const size = Math.max(magnitude(a), magnitude(b));
  if (difference > tolerance) return tolerance <= 1e-3 * size || difference > 100 * tolerance ? true : undefined;
  return tolerance <= WORST_RELATIVE_ERROR * Math.max(size, 1) ? false : undefined;
}
