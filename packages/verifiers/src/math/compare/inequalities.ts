// The solutions of an inequality in one variable: direct, absolute values, linear and quadratic.
import { divergesFrom, evaluate } from "../evaluate/numeric.ts";
import type { Scope } from "../evaluate/numeric.ts";
import { magnitude, real } from "../evaluate/complex.ts";
import type { Complex } from "../evaluate/complex.ts";
import { freeSymbols } from "../evaluate/free-symbols.ts";
import { integer } from "../syntax/expression.ts";
import type { Expression } from "../syntax/expression.ts";
import type { Comparison } from "./comparison.ts";
import { complement, intersection, MINUS_INFINITY, PLUS_INFINITY, point, union } from "./pieces.ts";
import type { End, Piece } from "./pieces.ts";
import { substitute } from "./rewrite.ts";

/** `left operator right` in the one variable `name`. */
export interface Inequality {
  readonly left: Expression;
  readonly right: Expression;
  readonly operator: "<" | "<=" | "=" | "!=";
}

/** The real solutions, or undefined if they are not found this way. */
export function solve({ left, right, operator }: Inequality, name: string, c: Comparison): readonly Piece[] | undefined {
  if (operator === "!=") {
    const excluded = solve({ left, right, operator: "=" }, name, c);
    return excluded === undefined ? undefined : complement(excluded);
  }
  const closed = operator !== "<";
  if (isVariable(left, name) && freeSymbols(right).size === 0) {
    const end = endOf(right, closed, c);
    return end && (operator === "=" ? [point(end)] : [{ low: MINUS_INFINITY, high: end }]);
  }
  if (isVariable(right, name) && freeSymbols(left).size === 0) {
    const end = endOf(left, closed, c);
    return end && (operator === "=" ? [point(end)] : [{ low: end, high: PLUS_INFINITY }]);
  }
  return solveAbsolute(left, right, operator, name, c) ?? solvePolynomial(left, right, operator, name, c);
}

function isVariable(expression: Expression, name: string): boolean {
  return expression.kind === "symbol" && expression.name === name;
}

/** A constant as the end of a piece; undefined if it is not real. */
export function endOf(expression: Expression, closed: boolean, c: Comparison): End | undefined {
  if (expression.kind === "constant" && expression.name === "infinity") return PLUS_INFINITY;
  if (expression.kind === "negative" && expression.operand.kind === "constant" && expression.operand.name === "infinity")
    return MINUS_INFINITY;
  const value = valueOf(expression, c);
  return Number.isFinite(value.re) && Math.abs(value.im) <= value.err ? { value: value.re, expression, closed } : undefined;
}

function valueOf(expression: Expression, c: Comparison, variables: Scope["variables"] = new Map()): Complex {
  return evaluate(expression, { variables, budget: c.budget, roots: "real", logBase: c.policy.logBase });
}

/** |u| < r is -r < u < r; |u| > r is its outside. */
function solveAbsolute(
  left: Expression,
  right: Expression,
  operator: "<" | "<=" | "=",
  name: string,
  c: Comparison,
): readonly Piece[] | undefined {
  const negative = (operand: Expression): Expression => ({ kind: "negative", operand });
  const both = (
    a: Inequality,
    b: Inequality,
    combine: (x: readonly Piece[], y: readonly Piece[]) => readonly Piece[],
  ): readonly Piece[] | undefined => {
    const [x, y] = [solve(a, name, c), solve(b, name, c)];
    return x && y && combine(x, y);
  };
  if (left.kind === "call" && left.name === "abs" && freeSymbols(right).size === 0) {
    const u = left.args[0]!;
    if (operator === "=")
      return both({ left: u, right, operator }, { left: u, right: negative(right), operator }, (x, y) => union([...x, ...y]));
    return both({ left: u, right, operator }, { left: negative(right), right: u, operator }, intersection);
  }
  if (right.kind === "call" && right.name === "abs" && freeSymbols(left).size === 0) {
    const u = right.args[0]!;
    return both({ left, right: u, operator }, { left: u, right: negative(left), operator }, (x, y) => union([...x, ...y]));
  }
  return undefined;
}

/** Reads the coefficients of left − right off its values at 0, 1 and -1, checks them elsewhere, and takes the roots. */
function solvePolynomial(
  left: Expression,
  right: Expression,
  operator: "<" | "<=" | "=",
  name: string,
  c: Comparison,
): readonly Piece[] | undefined {
  const f: Expression = { kind: "sum", terms: [left, { kind: "negative", operand: right }] };
  const at = (x: number): Expression => substitute(f, name, x < 0 ? { kind: "negative", operand: integer(-x) } : integer(x));
  const sum = (...terms: Expression[]): Expression => ({ kind: "sum", terms });
  const negative = (operand: Expression): Expression => ({ kind: "negative", operand });
  const over = (numerator: Expression, denominator: Expression): Expression => ({ kind: "quotient", numerator, denominator });
  const times = (...factors: Expression[]): Expression => ({ kind: "product", factors });
  const [two, four] = [integer(2), integer(4)];

  const c0 = at(0);
  const c2 = sum(over(sum(at(1), at(-1)), two), negative(c0));
  const c1 = over(sum(at(1), negative(at(-1))), two);
  const polynomial = sum(
    times(c2, { kind: "power", base: { kind: "symbol", name }, exponent: two }),
    times(c1, { kind: "symbol", name }),
    c0,
  );
  for (const x of [0.37, 2.6, -3.3]) {
    const point = new Map([[name, real(x, 0)]]);
    if (divergesFrom(valueOf(f, c, point), valueOf(polynomial, c, point)) !== false) return undefined;
  }
  const [a, b] = [valueOf(c2, c), valueOf(c1, c)];
  const closed = operator !== "<";
  const isZero = (z: Complex): boolean => magnitude(z) <= 8 * z.err;
  if (isZero(a)) {
    if (isZero(b)) return undefined;
    const root = endOf(over(negative(c0), c1), closed, c);
    if (root === undefined) return undefined;
    if (operator === "=") return [point(root)];
    return [b.re > 0 ? { low: MINUS_INFINITY, high: root } : { low: root, high: PLUS_INFINITY }];
  }
  const discriminant = sum({ kind: "power", base: c1, exponent: two }, negative(times(four, c2, c0)));
  const d = valueOf(discriminant, c);
  if (isZero(d) || d.re < 0) return undefined;
  const root = (sign: 1 | -1): End | undefined => {
    const surd: Expression = { kind: "call", name: "root", args: [discriminant, two] };
    return endOf(over(sum(negative(c1), sign === 1 ? surd : negative(surd)), times(two, c2)), closed, c);
  };
  const [low, high] = a.re > 0 ? [root(-1), root(1)] : [root(1), root(-1)];
  if (low === undefined || high === undefined) return undefined;
  if (operator === "=") return union([point(low), point(high)]);
  const between = [{ low, high }];
  return a.re > 0
    ? between
    : [
        { low: MINUS_INFINITY, high: low },
        { low: high, high: PLUS_INFINITY },
      ];
}
