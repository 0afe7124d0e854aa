// Sums, products, integrals and limits at a point.
import { integer } from "../syntax/expression.ts";
import type { Expression, ExpressionOf } from "../syntax/expression.ts";
import { add, isFiniteComplex, magnitude, multiply, real, UNDEFINED } from "./complex.ts";
import type { Complex } from "./complex.ts";
import { keyed } from "./keyed.ts";
import { sumSeries } from "./sum-series.ts";
import type { Scope } from "./numeric.ts";

type Evaluate = (expression: Expression, scope: Scope) => Complex;
type Accumulation = ExpressionOf<"accumulation">;

/** Longest sum or product that is added up term by term. */
const MAX_TERMS = 2_000;
/** Step and reach of the double exponential rule: 2·31 + 1 abscissas reach the end of double precision. */
const RULE_STEP = 0.1;
const RULE_REACH = 31;
const STAND_IN_POINTS = 6;
/** Steps that a value of the body, and a point of a stand-in, cost besides their nodes. */
const BODY_STEPS = 4;
const STAND_IN_STEPS = 20;

/** Adds up what has few terms, integrates what has bounds, and has a stand-in for the rest. */
export function accumulate(expression: Accumulation, scope: Scope, evaluate: Evaluate): Complex {
  const { operator, lower, upper } = expression;
  const body = (x: Complex): Complex => {
    scope.budget.spend(BODY_STEPS + scope.variables.size);
    return evaluate(expression.body, { ...scope, variables: new Map(scope.variables).set(expression.variable, x) });
  };
  if ((operator === "sum" || operator === "product") && lower !== undefined && upper !== undefined) {
    const [from, to] = [evaluate(lower, scope), evaluate(upper, scope)];
    const terms = to.re - from.re + 1;
    if (Number.isInteger(from.re) && Number.isInteger(to.re) && terms <= MAX_TERMS && scope.budget.affords(terms * 10))
      return addUp(from.re, to.re, body, operator);
  }
  if (operator === "sum" && lower !== undefined && upper !== undefined && infinity(upper) === 1) {
    const from = evaluate(lower, scope);
    const value = Number.isInteger(from.re) && from.im === 0 ? sumSeries(from.re, body) : undefined;
    if (value !== undefined) return value;
  }
  if (operator === "integral") {
    // An indefinite integral is the antiderivative that vanishes at 0, where there is one.
    const value = integrate(lower ?? integer(0), upper ?? { kind: "symbol", name: expression.variable }, body, (bound) =>
      evaluate(bound, scope),
    );
    if (value !== undefined) return value;
  }
  return standIn(expression, scope, evaluate, body);
}

function addUp(from: number, to: number, body: (x: Complex) => Complex, operator: "sum" | "product"): Complex {
  let result = real(operator === "sum" ? 0 : 1, 0);
  for (let k = from; k <= to; k++) {
    result = operator === "sum" ? add(result, body(real(k, 0))) : multiply(result, body(real(k, 0)));
    if (!isFiniteComplex(result)) return UNDEFINED;
  }
  return result;
}

/** Double exponential quadrature, also over infinite ranges; undefined where it does not converge. Source: Takahasi and Mori, 1974. */
function integrate(
  lower: Expression,
  upper: Expression,
  body: (x: Complex) => Complex,
  at: (bound: Expression) => Complex,
): Complex | undefined {
  const transform = substitution(lower, upper, at);
  if (transform === undefined) return undefined;
  const terms: (Complex | undefined)[] = [];
  for (let k = -RULE_REACH; k <= RULE_REACH; k++) {
    const { x, weight } = transform(k * RULE_STEP);
    const term =
      Number.isFinite(x) && Number.isFinite(weight) && weight !== 0 ? multiply(body(real(x, 0)), real(weight * RULE_STEP, 0)) : undefined;
    terms.push(term !== undefined && isFiniteComplex(term) ? term : undefined);
  }
  // Far out, values overflow or vanish; in between each must be defined.
  const first = terms.findIndex((term) => term !== undefined);
  const last = terms.findLastIndex((term) => term !== undefined);
  let fine = real(0, 0);
  let coarse = real(0, 0);
  let size = 0;
  for (let k = Math.max(first, 0); k <= last; k++) {
    const term = terms[k];
    if (term === undefined) return undefined;
    fine = add(fine, term);
    if ((k - RULE_REACH) % 2 === 0) coarse = add(coarse, multiply(term, real(2, 0)));
    size += magnitude(term);
  }
  if (size === 0) return undefined;
  const change = magnitude({ re: fine.re - coarse.re, im: fine.im - coarse.im, err: 0 });
  return change > 1e-5 * size ? undefined : { ...fine, err: fine.err + 1e-12 * size + change * 1e-3 };
}

type Substitution = (t: number) => { readonly x: number; readonly weight: number };

function substitution(lower: Expression, upper: Expression, at: (bound: Expression) => Complex): Substitution | undefined {
  const [down, up] = [infinity(lower), infinity(upper)];
  const h = Math.PI / 2;
  if (down === -1 && up === 1) return (t) => ({ x: Math.sinh(h * Math.sinh(t)), weight: h * Math.cosh(t) * Math.cosh(h * Math.sinh(t)) });
  const [a, b] = [down === 0 ? at(lower) : undefined, up === 0 ? at(upper) : undefined];
  if ([a, b].some((bound) => bound !== undefined && (bound.im !== 0 || !Number.isFinite(bound.re)))) return undefined;
  if (a !== undefined && b !== undefined) {
    const [middle, half] = [(a.re + b.re) / 2, (b.re - a.re) / 2];
    return (t) => {
      const u = h * Math.sinh(t);
      return { x: middle + half * Math.tanh(u), weight: (half * h * Math.cosh(t)) / Math.cosh(u) ** 2 };
    };
  }
  const finite = (a ?? b)!.re;
  const sign = a !== undefined && up === 1 ? 1 : b !== undefined && down === -1 ? -1 : 0;
  if (sign === 0) return undefined;
  return (t) => {
    const u = Math.exp(h * Math.sinh(t));
    return { x: finite + sign * u, weight: u * h * Math.cosh(t) };
  };
}

function infinity(bound: Expression): -1 | 0 | 1 {
  if (bound.kind === "constant" && bound.name === "infinity") return 1;
  return bound.kind === "negative" && infinity(bound.operand) === 1 ? -1 : 0;
}

/**
 * A stand-in for what is not computed: a weighted sum of the body's values at a few points, the weights depending on operator and
 * bounds. It is linear in the body and blind to the variable's name, as sums, integrals and limits are.
 */
function standIn(
  { operator, lower, upper, variable }: Accumulation,
  scope: Scope,
  evaluate: Evaluate,
  body: (x: Complex) => Complex,
): Complex {
  const bounds = [lower, upper].map((bound) => (bound === undefined ? 0 : (1 + infinity(bound)) * 7.1 || evaluate(bound, scope).re));
  // An indefinite integral is a function of its own variable.
  const outside = operator === "integral" && lower === undefined ? (scope.variables.get(variable)?.re ?? 0) : 0;
  let result = real(0, 0);
  scope.budget.spend(STAND_IN_POINTS * STAND_IN_STEPS);
  for (let j = 0; j < STAND_IN_POINTS; j++) {
    const phase = bounds.reduce((sum, bound, i) => sum + bound * (0.3 + keyed(`${operator}/${j}/${i}`)), outside * keyed(`out/${j}`));
    const weight = 1 + Math.sin(phase + 6 * keyed(`${operator}/${j}`));
    const x = operator === "sum" || operator === "product" ? j + 1 : 0.5 + 2 * keyed(`at/${j}`);
    result = add(result, multiply(body(real(x, 0)), real(weight, Math.abs(weight) * 1e-14)));
  }
  return result;
}
