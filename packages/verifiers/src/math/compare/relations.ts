// Equations and inequalities: equal when they say the same of their variables.
import { evaluate } from "../evaluate/numeric.ts";
import { divergesFrom } from "../evaluate/numeric.ts";
import { divide, isFiniteComplex, magnitude, subtract } from "../evaluate/complex.ts";
import type { Complex } from "../evaluate/complex.ts";
import { domainOf, freeSymbols } from "../evaluate/free-symbols.ts";
import { samplePoint } from "../evaluate/sample-points.ts";
import type { Expression, ExpressionOf, RelationOperator } from "../syntax/expression.ts";
import { assignmentOf } from "./assignment.ts";
import type { Comparison } from "./comparison.ts";
import { substitute } from "./rewrite.ts";
import { realSetOf, realSetsEqual } from "./real-sets.ts";

type Relation = ExpressionOf<"relation">;
/** One comparison of two sides, turned so that the operator is one of these. */
interface Simple {
  readonly left: Expression;
  readonly right: Expression;
  readonly operator: "=" | "!=" | "<" | "<=" | "other";
  readonly written: RelationOperator;
}

const POINTS_NEEDED = 4;
const POINTS_TRIED = 16;

export function relationsEqual(a: Relation, b: Relation, c: Comparison): boolean {
  const [givenA, givenB] = [assignmentOf(a), assignmentOf(b)];
  if (givenA !== undefined && givenB !== undefined) {
    c.rule = "equation";
    if (assignmentsEqual(givenA, givenB, c)) return true;
  }
  const [simpleA, simpleB] = [simpleRelations(a), simpleRelations(b)];
  c.rule = [...simpleA, ...simpleB].some(({ operator }) => operator === "<" || operator === "<=") ? "inequality" : "equation";
  if (simpleA.length === simpleB.length && matchAll(simpleA, simpleB, c)) return true;
  if (c.rule === "equation" && !simpleA.some(({ operator }) => operator === "!=")) return false;
  const [setA, setB] = [realSetOf(a, c), realSetOf(b, c)];
  return setA !== undefined && setB !== undefined && setA.variable === setB.variable && realSetsEqual(setA, setB, c);
}

function assignmentsEqual(
  a: { target: Expression; value: Expression },
  b: { target: Expression; value: Expression },
  c: Comparison,
): boolean {
  if (c.equal(a.target, b.target)) return c.equal(a.value, b.value);
  // f(x) = x^2 and f(t) = t^2 define one function.
  if (a.target.kind !== "apply" || b.target.kind !== "apply" || a.target.name !== b.target.name) return false;
  const [x, t] = [a.target.args[0], b.target.args[0]];
  if (x?.kind !== "symbol" || t?.kind !== "symbol" || a.target.args.length !== 1 || b.target.args.length !== 1) return false;
  return c.equal(a.value, substitute(b.value, t.name, x));
}

/** `a < b < c` as `a < b`, `b < c`. */
function simpleRelations({ operands, operators }: Relation): Simple[] {
  return operators.map((written, i) => {
    const [left, right] = [operands[i]!, operands[i + 1]!];
    switch (written) {
      case "=":
      case "~":
        return { left, right, operator: "=", written };
      case "!=":
      case "<":
      case "<=":
        return { left, right, operator: written, written };
      case ">":
        return { left: right, right: left, operator: "<", written };
      case ">=":
        return { left: right, right: left, operator: "<=", written };
      default:
        return { left, right, operator: "other", written };
    }
  });
}

function matchAll(a: readonly Simple[], b: readonly Simple[], c: Comparison): boolean {
  const left = [...b];
  return a.every((relation) => {
    const match = left.findIndex((other) => simpleEqual(relation, other, c));
    if (match >= 0) left.splice(match, 1);
    return match >= 0;
  });
}

function simpleEqual(a: Simple, b: Simple, c: Comparison): boolean {
  const { rule } = c;
  try {
    if (a.operator !== b.operator) return false;
    if (c.equal(a.left, b.left) && c.equal(a.right, b.right)) return a.operator !== "other" || a.written === b.written;
    if (a.operator === "other") return false;
    const mirrored = a.operator === "=" || a.operator === "!=";
    if (mirrored && c.equal(a.left, b.right) && c.equal(a.right, b.left)) return true;
    return proportional(a, b, c, mirrored);
  } finally {
    c.rule = rule;
  }
}

/**
 * Whether left − right of one is a constant multiple of the other's at all points, a positive one unless `mirrored`; for equations
 * also whether solving both for a variable in which they are linear gives the same.
 */
function proportional(a: Simple, b: Simple, c: Comparison, mirrored: boolean): boolean {
  const sides = [a.left, a.right, b.left, b.right];
  const variables = new Set<string>();
  const [own, other] = [new Set<string>(), new Set<string>()];
  for (const side of [a.left, a.right]) freeSymbols(side, own);
  for (const side of [b.left, b.right]) freeSymbols(side, other);
  for (const name of [...own, ...other]) variables.add(name);
  if (variables.size === 0 || own.size !== variables.size || other.size !== variables.size) return false;
  const names = [...variables].sort();
  const domain = domainOf(...sides);
  const at = (side: Expression, point: Map<string, Complex>): Complex =>
    evaluate(side, { variables: point, budget: c.budget, roots: "principal", logBase: c.policy.logBase });
  const difference = (relation: Simple, point: Map<string, Complex>): Complex =>
    subtract(at(relation.left, point), at(relation.right, point));

  let ratio: Complex | undefined;
  let agreed = 0;
  for (let k = 0; k < POINTS_TRIED && agreed < POINTS_NEEDED; k++) {
    const point = samplePoint(names, domain, k);
    const [x, y] = [difference(a, point), difference(b, point)];
    if (!isFiniteComplex(x) || !isFiniteComplex(y)) continue;
    const [zeroX, zeroY] = [magnitude(x) <= 4 * x.err, magnitude(y) <= 4 * y.err];
    if (zeroX && zeroY) continue;
    const quotient = zeroX || zeroY ? undefined : divide(x, y);
    if (quotient === undefined || (ratio !== undefined && divergesFrom(ratio, quotient) === true))
      return mirrored && sameSolution(names, (relation, p) => difference(relation, p), a, b, domain);
    if (!mirrored && !(quotient.re > 0 && Math.abs(quotient.im) <= quotient.err * 4)) return false;
    ratio ??= quotient;
    agreed++;
  }
  return agreed >= POINTS_NEEDED;
}

/** Whether both equations, linear in some variable, have the same solution for it wherever the others are. */
function sameSolution(
  names: readonly string[],
  difference: (relation: Simple, point: Map<string, Complex>) => Complex,
  a: Simple,
  b: Simple,
  domain: ReturnType<typeof domainOf>,
): boolean {
  if (names.length < 2) return false;
  return names.some((name) => {
    let agreed = 0;
    for (let k = 0; k < POINTS_TRIED && agreed < POINTS_NEEDED; k++) {
      const point = samplePoint(names, domain, k);
      const [x, y] = [a, b].map((relation) => linearRoot((value) => difference(relation, new Map(point).set(name, value))));
      if (x === undefined || y === undefined || divergesFrom(x, y) !== false) return false;
      agreed++;
    }
    return agreed >= POINTS_NEEDED;
  });
}

/** The root of a function that is linear, or undefined if it is not. */
function linearRoot(f: (x: Complex) => Complex): Complex | undefined {
  const [at0, at1, at2] = [0.7, 1.9, 4.6].map((re) => f({ re, im: 0, err: 0 })) as [Complex, Complex, Complex];
  const slope = divide(subtract(at1, at0), { re: 1.2, im: 0, err: 0 });
  const slope2 = divide(subtract(at2, at1), { re: 2.7, im: 0, err: 1e-15 });
  if (divergesFrom(slope, slope2) !== false || magnitude(slope) <= 10 * slope.err) return undefined;
  return subtract({ re: 0.7, im: 0, err: 1e-15 }, divide(at0, slope));
}
