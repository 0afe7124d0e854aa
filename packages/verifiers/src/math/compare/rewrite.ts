// Rewrites before comparison: ± into both values, arithmetic of matrices, one variable by another.
import { childrenOf } from "../syntax/expression.ts";
import type { Expression } from "../syntax/expression.ts";

/** Most values that the signs of one answer may stand for. */
const MAX_EXPANSION = 16;

/** `expression` with every part replaced by `f` of it, from the leaves up. */
export function mapExpression(expression: Expression, f: (node: Expression) => Expression): Expression {
  const map = (part: Expression): Expression => mapExpression(part, f);
  const all = (parts: readonly Expression[]): Expression[] => parts.map(map);
  switch (expression.kind) {
    case "sum":
      return f({ ...expression, terms: all(expression.terms) });
    case "product":
      return f({ ...expression, factors: all(expression.factors) });
    case "quotient":
      return f({ ...expression, numerator: map(expression.numerator), denominator: map(expression.denominator) });
    case "power":
      return f({ ...expression, base: map(expression.base), exponent: map(expression.exponent) });
    case "negative":
    case "percent":
    case "degree":
      return f({ ...expression, operand: map(expression.operand) });
    case "plusMinus":
      return f({
        ...expression,
        first: expression.first === undefined ? undefined : map(expression.first),
        second: map(expression.second),
      });
    case "call":
    case "apply":
      return f({ ...expression, args: all(expression.args) });
    case "accumulation":
      return f({
        ...expression,
        lower: expression.lower === undefined ? undefined : map(expression.lower),
        upper: expression.upper === undefined ? undefined : map(expression.upper),
        body: map(expression.body),
      });
    case "quantity":
      return f({ ...expression, value: map(expression.value) });
    case "labelled":
      return f({ ...expression, value: expression.value === undefined ? undefined : map(expression.value) });
    case "list":
    case "bracket":
    case "set":
    case "ratio":
      return f({ ...expression, items: all(expression.items) });
    case "setBuilder":
      return f({ ...expression, element: map(expression.element), conditions: all(expression.conditions) });
    case "setOperation":
      return f({ ...expression, left: map(expression.left), right: map(expression.right) });
    case "matrix":
    case "cases":
      return f({ ...expression, rows: expression.rows.map(all) });
    case "relation":
      return f({ ...expression, operands: all(expression.operands) });
    default:
      return f(expression);
  }
}

/** Replaces free occurrences of a variable. */
export function substitute(expression: Expression, name: string, value: Expression): Expression {
  return mapExpression(expression, (node) => (node.kind === "symbol" && node.name === name ? value : node));
}

/**
 * The values that an expression with ± stands for. With ∓ all signs go together; without it each ± is free: `\pm 1 \pm \sqrt 2` is four.
 * An expression without signs stands for itself.
 */
export function expandSigns(expression: Expression): readonly Expression[] {
  const counts = countSigns(expression);
  if (counts.pm + counts.mp === 0) return [expression];
  const together = counts.mp > 0;
  const choices = together ? 1 : counts.pm;
  if (2 ** choices > MAX_EXPANSION) return [expression];
  return Array.from({ length: 2 ** choices }, (_, choice) => {
    let index = 0;
    return mapExpression(expression, (node) => {
      if (node.kind !== "plusMinus") return node;
      const bit = (choice >> (together ? 0 : index++)) & 1;
      const negative = (bit === 1) === (node.sign === 1);
      const second: Expression = negative ? { kind: "negative", operand: node.second } : node.second;
      return node.first === undefined ? second : { kind: "sum", terms: [node.first, second] };
    });
  });
}

function countSigns(expression: Expression): { pm: number; mp: number } {
  const total = { pm: 0, mp: 0 };
  const visit = (node: Expression): void => {
    if (node.kind === "plusMinus") {
      if (node.sign === 1) total.pm++;
      else total.mp++;
    }
    childrenOf(node).forEach(visit);
  };
  visit(expression);
  return total;
}
