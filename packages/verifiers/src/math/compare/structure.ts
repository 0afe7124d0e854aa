// Equality by form, for what has no value that can be computed: power towers, limits, infinities.
import { childrenOf } from "../syntax/expression.ts";
import type { Expression } from "../syntax/expression.ts";
import type { Comparison } from "./comparison.ts";

/** Longest sums and products whose terms are matched in any order. */
const MAX_MATCHED = 24;

/** Whether both are made alike: the same operation on equal parts, in any order where order does not matter. */
export function sameStructure(a: Expression, b: Expression, c: Comparison): boolean {
  c.budget.spend(4);
  if (a.kind !== b.kind || ownPart(a) !== ownPart(b)) return false;
  const [partsA, partsB] = [childrenOf(a), childrenOf(b)];
  if (partsA.length !== partsB.length || partsA.length === 0) return partsA.length === partsB.length && a.kind !== "number";
  const anyOrder = a.kind === "sum" || a.kind === "product" || (a.kind === "setOperation" && a.operator !== "difference");
  if (!anyOrder) return partsA.every((part, i) => c.equal(part, partsB[i]!));
  if (partsA.length > MAX_MATCHED) return false;
  const left = [...partsB];
  return partsA.every((part) => {
    const match = left.findIndex((other) => c.equal(part, other));
    if (match >= 0) left.splice(match, 1);
    return match >= 0;
  });
}

/** What an expression is besides its kind and its parts. */
function ownPart(expression: Expression): string {
  switch (expression.kind) {
    case "constant":
    case "symbol":
    case "call":
    case "apply":
    case "namedSet":
      return expression.name;
    case "text":
      return expression.text.toLowerCase();
    case "accumulation":
      return `${expression.operator} ${expression.variable}`;
    case "plusMinus":
      return String(expression.sign);
    case "setOperation":
      return expression.operator;
    case "bracket":
      return expression.open + expression.close;
    case "relation":
      return expression.operators.join(" ");
    default:
      return "";
  }
}
