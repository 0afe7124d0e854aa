// What an expression is about: its free variables, and what sort of values they must take.
import { childrenOf } from "../syntax/expression.ts";
import type { Expression } from "../syntax/expression.ts";
import type { Domain } from "./sample-points.ts";

/** Names of the free variables in no particular order. Words inside a formula count as variables. */
export function freeSymbols(expression: Expression, found = new Set<string>(), bound: ReadonlySet<string> = new Set()): Set<string> {
  if (expression.kind === "symbol" && !bound.has(expression.name)) found.add(expression.name);
  else if (expression.kind === "text") found.add(expression.text.toLowerCase());
  else if (expression.kind === "accumulation") {
    if (expression.lower !== undefined) freeSymbols(expression.lower, found, bound);
    if (expression.upper !== undefined) freeSymbols(expression.upper, found, bound);
    const definite = expression.operator !== "integral" || expression.lower !== undefined;
    freeSymbols(expression.body, found, definite ? new Set([...bound, expression.variable]) : bound);
  } else for (const child of childrenOf(expression)) freeSymbols(child, found, bound);
  return found;
}

const COMPLEX_ONLY = new Set(["conjugate", "Re", "Im", "arg"]);

/** Whole numbers where a variable bounds a sum; complex where conjugates are taken; else reals. */
export function domainOf(...expressions: readonly Expression[]): Domain {
  let domain: Domain = "real";
  const visit = (expression: Expression): void => {
    if (expression.kind === "accumulation" && (expression.operator === "sum" || expression.operator === "product")) {
      if ([expression.lower, expression.upper].some((bound) => bound !== undefined && freeSymbols(bound).size > 0)) domain = "whole";
    } else if (expression.kind === "call") {
      if (["mod", "gcd", "lcm", "doubleFactorial"].includes(expression.name) && freeSymbols(expression).size > 0) domain = "whole";
      else if (COMPLEX_ONLY.has(expression.name) && domain === "real" && freeSymbols(expression).size > 0) domain = "complex";
    }
    for (const child of childrenOf(expression)) visit(child);
  };
  for (const expression of expressions) visit(expression);
  return domain;
}

/** Whether any part of the expression satisfies `test`. */
export function someNode(expression: Expression, test: (node: Expression) => boolean): boolean {
  return test(expression) || childrenOf(expression).some((child) => someNode(child, test));
}
