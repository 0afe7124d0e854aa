// What an answer says, as a typed tree. Plain data: immutable, no methods, no source positions.
import type { Rational } from "../rational.ts";

export interface NumberNode {
  readonly kind: "number";
  readonly value: Rational;
  /** Whether it was written with a decimal point: such a number may be rounded. */
  readonly decimal: boolean;
  /** The base that was written as a subscript (`101_2`), `digits` being what stood before it. */
  readonly base?: number;
  readonly digits?: string;
}

export type Constant = "pi" | "e" | "i" | "infinity";
export type SetName = "empty" | "R" | "N" | "Z" | "Q" | "C";
export type RelationOperator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "in" | "notin" | "subset" | "equiv" | "to";
export type AccumulationOperator = "sum" | "product" | "integral" | "limit";

export type Expression =
  | NumberNode
  | { readonly kind: "constant"; readonly name: Constant }
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "sum"; readonly terms: readonly Expression[] }
  | { readonly kind: "product"; readonly factors: readonly Expression[] }
  | { readonly kind: "quotient"; readonly numerator: Expression; readonly denominator: Expression }
  | { readonly kind: "power"; readonly base: Expression; readonly exponent: Expression }
  | { readonly kind: "negative"; readonly operand: Expression }
  /** `first ± second` (`sign` 1) or `first ∓ second` (`sign` -1): two values. */
  | { readonly kind: "plusMinus"; readonly first: Expression | undefined; readonly second: Expression; readonly sign: 1 | -1 }
  /** A function with a meaning that the evaluator knows. */
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  /** A function, sequence or operator without one: `f(x)`, `F_{n+1}`. */
  | { readonly kind: "apply"; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: "percent"; readonly operand: Expression }
  | { readonly kind: "degree"; readonly operand: Expression }
  /** Sum, product, integral (`lower` and `upper` absent: indefinite) or limit (`lower` is the point) of `body` over `variable`. */
  | {
      readonly kind: "accumulation";
      readonly operator: AccumulationOperator;
      readonly variable: string;
      readonly lower: Expression | undefined;
      readonly upper: Expression | undefined;
      readonly body: Expression;
    }
  | { readonly kind: "quantity"; readonly value: Expression; readonly unit: string }
  | { readonly kind: "text"; readonly text: string }
  /** A multiple-choice answer: its letter, and the value if that was written too. */
  | { readonly kind: "labelled"; readonly label: string; readonly value: Expression | undefined }
  /** Items separated by commas, `and` or `or`, without brackets. */
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  /** Two or more items in brackets: a tuple, a vector, or an interval. */
  | { readonly kind: "bracket"; readonly open: "(" | "["; readonly close: ")" | "]"; readonly items: readonly Expression[] }
  | { readonly kind: "set"; readonly items: readonly Expression[] }
  | { readonly kind: "setBuilder"; readonly element: Expression; readonly conditions: readonly Expression[] }
  | { readonly kind: "namedSet"; readonly name: SetName }
  | {
      readonly kind: "setOperation";
      readonly operator: "union" | "intersection" | "difference";
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "matrix"; readonly rows: readonly (readonly Expression[])[] }
  /** Rows of a `cases` environment: value, condition. */
  | { readonly kind: "cases"; readonly rows: readonly (readonly Expression[])[] }
  /** `operands[0] operators[0] operands[1] ...` */
  | { readonly kind: "relation"; readonly operands: readonly Expression[]; readonly operators: readonly RelationOperator[] }
  | { readonly kind: "ratio"; readonly items: readonly Expression[] };

export type ExpressionOf<Kind extends Expression["kind"]> = Extract<Expression, { readonly kind: Kind }>;

export function integer(value: bigint | number): NumberNode {
  return { kind: "number", value: { numerator: BigInt(value), denominator: 1n }, decimal: false };
}

/** The parts of an expression in order, whatever its kind. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "number":
    case "constant":
    case "symbol":
    case "text":
    case "namedSet":
      return [];
    case "sum":
      return expression.terms;
    case "product":
      return expression.factors;
    case "quotient":
      return [expression.numerator, expression.denominator];
    case "power":
      return [expression.base, expression.exponent];
    case "negative":
    case "percent":
    case "degree":
      return [expression.operand];
    case "plusMinus":
      return expression.first === undefined ? [expression.second] : [expression.first, expression.second];
    case "call":
    case "apply":
      return expression.args;
    case "accumulation":
      return [expression.lower, expression.upper, expression.body].filter((part) => part !== undefined);
    case "quantity":
      return [expression.value];
    case "labelled":
      return expression.value === undefined ? [] : [expression.value];
    case "list":
    case "bracket":
    case "set":
    case "ratio":
      return expression.items;
    case "setBuilder":
      return [expression.element, ...expression.conditions];
    case "setOperation":
      return [expression.left, expression.right];
    case "matrix":
    case "cases":
      return expression.rows.flat();
    case "relation":
      return expression.operands;
  }
}
