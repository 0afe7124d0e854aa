// The exact rational value of an expression, where it has one within the bounds.
import type { Budget } from "../budget.ts";
import { MAX_EXACT_BITS } from "../limits.ts";
import {
  add,
  bitLength,
  compareRationals,
  divide,
  exactRoot,
  gcd,
  isWhole,
  multiply,
  negate,
  power,
  rational,
  scaleByPowerOfTen,
  ZERO,
} from "../rational.ts";
import type { Rational } from "../rational.ts";
import type { Expression, ExpressionOf } from "../syntax/expression.ts";

/** Longest sum or product that is added up exactly. */
const MAX_TERMS = 500;
/** Largest factorial: 5,000! has 54,000 bits. */
const MAX_FACTORIAL = 5_000;

/**
 * The value of `expression` as a fraction, or undefined if it is irrational, has variables, is undefined, or is too large.
 * `bound` holds the index variables of enclosing sums.
 */
export function evaluateExactly(
  expression: Expression,
  budget: Budget,
  bound: ReadonlyMap<string, Rational> = NOTHING_BOUND,
): Rational | undefined {
  if (bound.size > 0) return payingForBits(expression, budget, bound);
  const known = budget.exactValues.get(expression);
  if (known !== undefined || budget.exactValues.has(expression)) return known;
  const value = payingForBits(expression, budget, bound);
  budget.exactValues.set(expression, value);
  return value;
}

const NOTHING_BOUND: ReadonlyMap<string, Rational> = new Map();

function payingForBits(expression: Expression, budget: Budget, bound: ReadonlyMap<string, Rational>): Rational | undefined {
  budget.spend(1);
  const value = exactValue(expression, budget, bound);
  if (value !== undefined) budget.spendOnBits(bitLength(value.numerator) + bitLength(value.denominator));
  return value;
}

function exactValue(expression: Expression, budget: Budget, bound: ReadonlyMap<string, Rational>): Rational | undefined {
  const at = (part: Expression): Rational | undefined => evaluateExactly(part, budget, bound);
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "symbol":
      return bound.get(expression.name);
    case "sum":
      return fold(expression.terms, at, add);
    case "product":
      return fold(expression.factors, at, multiply);
    case "quotient":
      return both(at(expression.numerator), () => at(expression.denominator), divide);
    case "negative": {
      const operand = at(expression.operand);
      return operand === undefined ? undefined : negate(operand);
    }
    case "percent": {
      const operand = at(expression.operand);
      return operand === undefined ? undefined : scaleByPowerOfTen(operand, -2);
    }
    case "power":
      return exactPower(expression, at);
    case "ratio":
      return expression.items.length === 2 ? both(at(expression.items[0]!), () => at(expression.items[1]!), divide) : undefined;
    case "call":
      return exactCall(expression, budget, at);
    case "accumulation":
      return exactAccumulation(expression, budget, bound);
    default:
      return undefined;
  }
}

type Binary = (a: Rational, b: Rational) => Rational | undefined;

function both(a: Rational | undefined, b: () => Rational | undefined, combine: Binary): Rational | undefined {
  if (a === undefined) return undefined;
  const second = b();
  return second === undefined ? undefined : combine(a, second);
}

function fold(parts: readonly Expression[], at: (part: Expression) => Rational | undefined, combine: Binary): Rational | undefined {
  let result = at(parts[0]!);
  for (let i = 1; i < parts.length && result !== undefined; i++) result = both(result, () => at(parts[i]!), combine);
  return result;
}

function exactPower({ base, exponent }: ExpressionOf<"power">, at: (part: Expression) => Rational | undefined): Rational | undefined {
  const index = at(exponent);
  if (index === undefined) return undefined;
  // (√5)^2 is 5 although √5 is irrational.
  if (base.kind === "call" && base.name === "root") {
    const [radicand, degree] = [at(base.args[0]!), at(base.args[1]!)];
    if (radicand !== undefined && degree !== undefined && degree.numerator > 0n && radicand.numerator >= 0n)
      return rationalPower(radicand, divide(index, degree));
  }
  const value = at(base);
  return value === undefined ? undefined : rationalPower(value, index);
}

function rationalPower(value: Rational, index: Rational | undefined): Rational | undefined {
  if (index === undefined) return undefined;
  if (isWhole(index)) return power(value, index.numerator / index.denominator);
  const divisor = gcd(index.numerator, index.denominator);
  const [p, q] = [index.numerator / divisor, index.denominator / divisor];
  // The principal root of a negative number is not real: not decided here.
  if (q > 64n || value.numerator < 0n) return undefined;
  const root = exactRoot(value, Number(q));
  return root === undefined ? undefined : power(root, p);
}

function exactCall(
  { name, args }: ExpressionOf<"call">,
  budget: Budget,
  at: (part: Expression) => Rational | undefined,
): Rational | undefined {
  if (!EXACT.has(name)) return undefined;
  const values: Rational[] = [];
  for (const arg of args) {
    const value = at(arg);
    if (value === undefined) return undefined;
    values.push(value);
  }
  const [first, second] = values as [Rational, Rational?];
  switch (name) {
    case "root":
      return second !== undefined && isWhole(second) && first.numerator >= 0n
        ? exactRoot(first, Number(second.numerator / second.denominator))
        : undefined;
    case "abs":
      return first.numerator < 0n ? negate(first) : first;
    case "max":
    case "min":
      return values.reduce((best, value) => (compareRationals(value, best) === (name === "max" ? 1 : -1) ? value : best));
    default:
      return values.every(isWhole)
        ? ofWholeNumbers(
            name,
            values.map(({ numerator, denominator }) => numerator / denominator),
            budget,
          )
        : flooring(name, first);
  }
}

const EXACT = new Set(["root", "abs", "max", "min", "factorial", "doubleFactorial", "binomial", "gcd", "lcm", "mod", "floor", "ceil"]);

function flooring(name: string, { numerator, denominator }: Rational): Rational | undefined {
  if (name !== "floor" && name !== "ceil") return undefined;
  const remainder = ((numerator % denominator) + denominator) % denominator;
  const floor = (numerator - remainder) / denominator;
  return rational(name === "floor" ? floor : floor + 1n);
}

function ofWholeNumbers(name: string, values: readonly bigint[], budget: Budget): Rational | undefined {
  const [first, second] = values as [bigint, bigint?];
  // Divisions cost several multiplications.
  for (const value of values) budget.spendOnBits(2 * bitLength(value));
  switch (name) {
    case "factorial":
      return first < 0n || first > MAX_FACTORIAL ? undefined : wholeProduct(1n, first, 1n, budget);
    case "doubleFactorial":
      return first < 0n || first > MAX_FACTORIAL ? undefined : wholeProduct(first % 2n === 0n ? 2n : 1n, first, 2n, budget);
    case "binomial":
      return binomial(first, second!, budget);
    case "gcd":
      return values.every((value) => bitLength(value) <= 4_096) ? rational(values.reduce(gcd)) : undefined;
    case "lcm":
      if (values.includes(0n) || values.some((value) => bitLength(value) > 1_024)) return undefined;
      return rational(values.reduce((a, b) => (bitLength(a) > MAX_EXACT_BITS ? a : (a / gcd(a, b)) * b)));
    case "mod":
      return second === 0n ? undefined : rational(((first % second!) + second!) % second!);
    default:
      return rational(first);
  }
}

/** from · (from + step) · ... up to `to`, multiplied in halves so that the factors stay of one size. */
function wholeProduct(from: bigint, to: bigint, step: bigint, budget: Budget): Rational | undefined {
  budget.spend(Number(to - from < 0n ? 0n : to - from));
  const product = (low: bigint, high: bigint): bigint => {
    if (low > high) return 1n;
    if (high - low < 8n * step) {
      let result = low;
      for (let k = low + step; k <= high; k += step) result *= k;
      return result;
    }
    const middle = low + ((high - low) / (2n * step)) * step;
    return product(low, middle) * product(middle + step, high);
  };
  return rational(product(from, to));
}

function binomial(n: bigint, k: bigint, budget: Budget): Rational | undefined {
  if (k < 0n) return ZERO;
  if (n >= 0n && k > n) return ZERO;
  const few = n >= 0n && n - k < k ? n - k : k;
  if (few > 2_000n || bitLength(n) > 256) return undefined;
  budget.spend(Number(few) * 4);
  let result = 1n;
  for (let j = 0n; j < few; j++) result = (result * (n - j)) / (j + 1n);
  return rational(result);
}

function exactAccumulation(
  expression: ExpressionOf<"accumulation">,
  budget: Budget,
  bound: ReadonlyMap<string, Rational>,
): Rational | undefined {
  const { operator, lower, upper, variable, body } = expression;
  if ((operator !== "sum" && operator !== "product") || lower === undefined || upper === undefined) return undefined;
  const [from, to] = [evaluateExactly(lower, budget, bound), evaluateExactly(upper, budget, bound)];
  if (from === undefined || to === undefined || !isWhole(from) || !isWhole(to)) return undefined;
  const [low, high] = [from.numerator / from.denominator, to.numerator / to.denominator];
  if (high - low > MAX_TERMS) return undefined;
  const combine = operator === "sum" ? add : multiply;
  let result = rational(operator === "sum" ? 0n : 1n);
  for (let k = low; k <= high && result !== undefined; k++) {
    const term = evaluateExactly(body, budget, new Map(bound).set(variable, { numerator: k, denominator: 1n }));
    result = term === undefined ? undefined : combine(result, term);
  }
  return result;
}
