// Equality of two expressions that are numbers or formulas: exactly where both are rational, else by value at keyed points.
import { divergesFrom, evaluate } from "../evaluate/numeric.ts";
import type { Scope } from "../evaluate/numeric.ts";
import { evaluateExactly } from "../evaluate/exact.ts";
import { domainOf, freeSymbols, someNode } from "../evaluate/free-symbols.ts";
import { samplePoint } from "../evaluate/sample-points.ts";
import { preciselyEqual } from "../evaluate/precise.ts";
import { rationalsEqual } from "../rational.ts";
import type { Expression } from "../syntax/expression.ts";
import type { Comparison } from "./comparison.ts";
import { roundedEqual } from "./decimals.ts";
import { sameStructure } from "./structure.ts";

/** Points that must agree, and how many are tried to find them: at some a value may be undefined or too inexact. */
const POINTS_NEEDED = 5;
const POINTS_TRIED = 18;

/** Whether `a` and `b` have the same value; with free variables, whether they are the same function of them. */
export function scalarsEqual(a: Expression, b: Expression, c: Comparison): boolean {
  const [exactA, exactB] = [evaluateExactly(a, c.budget), evaluateExactly(b, c.budget)];
  if (exactA !== undefined && exactB !== undefined) {
    c.rule = "rational";
    if (rationalsEqual(exactA, exactB)) return true;
  }
  if (roundedEqual(a, b, c)) {
    c.rule = "decimal";
    return true;
  }
  if (exactA !== undefined && exactB !== undefined) return sameDigits(a, b);
  c.rule = "numeric";
  const verdict = valuesEqual(a, b, c);
  if (verdict !== undefined) return verdict;
  c.rule = "structure";
  return sameStructure(a, b, c);
}

/** `204_5` against `204`: the base was left out, as where the question names it. */
function sameDigits(a: Expression, b: Expression): boolean {
  if (a.kind !== "number" || b.kind !== "number" || (a.base === undefined) === (b.base === undefined)) return false;
  return a.digits !== undefined && a.digits === b.digits;
}

/** Equal, different, or undefined where neither has enough values that can be computed. */
function valuesEqual(a: Expression, b: Expression, c: Comparison): boolean | undefined {
  const variables = [...freeSymbols(b, freeSymbols(a))].sort();
  const principal = equalUnder("principal", a, b, variables, c);
  if (principal === true || !(hasOddRoot(a) || hasOddRoot(b))) return principal;
  return equalUnder("real", a, b, variables, c) ?? principal;
}

function hasOddRoot(expression: Expression): boolean {
  return someNode(
    expression,
    (node) =>
      (node.kind === "call" && node.name === "root" && node.args[1]!.kind === "number" && node.args[1]!.value.numerator !== 2n) ||
      (node.kind === "power" && node.exponent.kind !== "number"),
  );
}

function equalUnder(roots: Scope["roots"], a: Expression, b: Expression, variables: readonly string[], c: Comparison): boolean | undefined {
  const { budget } = c;
  const conventions = { budget, roots, logBase: c.policy.logBase };
  if (variables.length === 0) return constantsEqual(a, b, { ...conventions, variables: new Map() });
  const domain = domainOf(a, b);
  let agreed = 0;
  for (let k = 0; k < POINTS_TRIED && agreed < POINTS_NEEDED; k++) {
    const scope = { ...conventions, variables: samplePoint(variables, domain, k) };
    const difference = divergesFrom(evaluate(a, scope), evaluate(b, scope));
    if (difference === true) return false;
    if (difference === false) agreed++;
  }
  return agreed >= POINTS_NEEDED ? true : undefined;
}

/** Doubles tell most constants apart; what they cannot is decided with many digits, where there are rules for those. */
function constantsEqual(a: Expression, b: Expression, scope: Scope): boolean | undefined {
  const diverges = divergesFrom(evaluate(a, scope), evaluate(b, scope));
  if (diverges === true) return false;
  const precise = preciselyEqual(a, b, scope);
  if (precise === "unresolved") return undefined;
  return precise ?? (diverges === false ? true : undefined);
}
