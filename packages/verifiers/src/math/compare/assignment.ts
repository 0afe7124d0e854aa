// x = 5, f(x) = x^2, S = 2 + 3 = 5: relations that give something a value.
import { freeSymbols } from "../evaluate/free-symbols.ts";
import { childrenOf } from "../syntax/expression.ts";
import type { Expression } from "../syntax/expression.ts";

export interface Assignment {
  readonly target: Expression;
  readonly value: Expression;
}

/** Target and last value (or, where it ends with another name, last number) of a chain of equalities that begins with something that has a name and no numbers; else undefined. */
export function assignmentOf(expression: Expression): Assignment | undefined {
  if (expression.kind !== "relation") return undefined;
  const { operands, operators } = expression;
  const target = operands[0]!;
  if (operators[0] === "in" && operators.length === 1 && target.kind === "symbol") return { target, value: operands[1]! };
  if (!operators.every((operator) => operator === "=" || operator === "~")) return undefined;
  const last = operands.at(-1)!;
  if (isNameOnly(target)) {
    // AB = 5 = CD
    const number = freeSymbols(last).size === 0 ? undefined : operands.findLast((operand) => freeSymbols(operand).size === 0);
    return { target, value: number ?? last };
  }
  // 5 = x
  return operands.length === 2 && last.kind === "symbol" && freeSymbols(target).size === 0 ? { target: last, value: target } : undefined;
}

/** The value of a chain of numbers, 2 + 3 = 5: its last; undefined for anything else. */
export function chainValue(expression: Expression): Expression | undefined {
  if (expression.kind !== "relation" || !expression.operators.every((operator) => operator === "=" || operator === "~")) return undefined;
  return expression.operands.every((operand) => freeSymbols(operand).size === 0) ? expression.operands.at(-1) : undefined;
}

/** Made of names and operations only, `x+y`, `A/B`, `P(X)`, `x^2`: something that a value can be given to, not an equation to solve. */
function isNameOnly(expression: Expression): boolean {
  switch (expression.kind) {
    case "symbol":
    case "text":
      return true;
    case "constant":
      return false;
    case "apply":
      return true;
    case "call":
      return freeSymbols(expression).size > 0;
    case "power":
      return isNameOnly(expression.base) && (isInteger(expression.exponent) || isNameOnly(expression.exponent));
    case "sum":
    case "product":
    case "quotient":
    case "negative":
    case "ratio":
    case "bracket":
    case "setOperation":
      return childrenOf(expression).every(isNameOnly);
    case "relation":
      // P(X = 2)
      return isNameOnly(expression.operands[0]!);
    default:
      return false;
  }
}

function isInteger(expression: Expression): boolean {
  return expression.kind === "number" || (expression.kind === "negative" && expression.operand.kind === "number");
}
