// Intervals, unions, set-builders and inequalities as sets of real numbers, and their equality.
import { freeSymbols } from "../evaluate/free-symbols.ts";
import type { Expression, ExpressionOf } from "../syntax/expression.ts";
import type { Comparison } from "./comparison.ts";
import { endOf, solve } from "./inequalities.ts";
import { ALL_REALS, complement, intersection, point, union } from "./pieces.ts";
import type { End, Piece } from "./pieces.ts";

/** A set of reals; `variable` is what the inequality that gave it is about, absent for intervals. */
export interface RealSet {
  readonly pieces: readonly Piece[];
  readonly variable?: string | undefined;
}

/** The set of reals that `expression` describes, or undefined if it describes none that can be found. */
export function realSetOf(expression: Expression, c: Comparison): RealSet | undefined {
  switch (expression.kind) {
    case "namedSet":
      return expression.name === "R" ? { pieces: ALL_REALS } : expression.name === "empty" ? { pieces: [] } : undefined;
    case "bracket":
      return intervalOf(expression, c);
    case "set":
      return pointsOf(expression.items, c);
    case "setOperation":
      return operationOf(expression, c);
    case "setBuilder":
      return expression.element.kind === "symbol" ? conditionsOf(expression.conditions, expression.element.name, c) : undefined;
    case "relation":
      return solutionsOf(expression, c);
    case "list":
      return listOf(expression.items, c);
    default:
      return undefined;
  }
}

export function realSetsEqual(a: RealSet, b: RealSet, c: Comparison): boolean {
  const same = (x: End, y: End): boolean => {
    if (x.expression === undefined || y.expression === undefined) return x.value === y.value;
    return x.closed === y.closed && c.equal(x.expression, y.expression);
  };
  const [left, right] = [union(a.pieces), union(b.pieces)];
  return left.length === right.length && left.every((piece, i) => same(piece.low, right[i]!.low) && same(piece.high, right[i]!.high));
}

function intervalOf({ open, close, items }: ExpressionOf<"bracket">, c: Comparison): RealSet | undefined {
  if (items.length !== 2 || items.some((item) => freeSymbols(item).size > 0)) return undefined;
  const [low, high] = [endOf(items[0]!, open === "[", c), endOf(items[1]!, close === "]", c)];
  if (low === undefined || high === undefined || low.value > high.value) return undefined;
  return { pieces: union([{ low, high }]) };
}

function pointsOf(items: readonly Expression[], c: Comparison): RealSet | undefined {
  const ends = items.map((item) => (freeSymbols(item).size > 0 ? undefined : endOf(item, true, c)));
  if (!ends.every((end) => end?.expression !== undefined)) return undefined;
  return { pieces: union(ends.map((end) => point(end!))) };
}

function operationOf({ operator, left, right }: ExpressionOf<"setOperation">, c: Comparison): RealSet | undefined {
  const [a, b] = [realSetOf(left, c), realSetOf(right, c)];
  if (a === undefined || b === undefined) return undefined;
  const variable = a.variable ?? b.variable;
  switch (operator) {
    case "union":
      return { pieces: union([...a.pieces, ...b.pieces]), variable };
    case "intersection":
      return { pieces: intersection(a.pieces, b.pieces), variable };
    case "difference":
      return { pieces: intersection(a.pieces, complement(b.pieces)), variable };
  }
}

function conditionsOf(conditions: readonly Expression[], variable: string, c: Comparison): RealSet | undefined {
  let pieces: readonly Piece[] = ALL_REALS;
  for (const condition of conditions) {
    const set = realSetOf(condition, c);
    if (set === undefined || set.variable !== variable) return undefined;
    pieces = intersection(pieces, set.pieces);
  }
  return { pieces, variable };
}

/** The numbers that satisfy a relation in one variable, a chain being all its links at once. */
function solutionsOf({ operands, operators }: ExpressionOf<"relation">, c: Comparison): RealSet | undefined {
  const variables = freeSymbols({ kind: "list", items: operands });
  const [variable] = variables;
  if (variables.size !== 1 || variable === undefined) return undefined;
  let pieces: readonly Piece[] = ALL_REALS;
  for (const [i, operator] of operators.entries()) {
    const [left, right] = [operands[i]!, operands[i + 1]!];
    const link = linkOf(left, right, operator, variable, c);
    if (link === undefined) return undefined;
    pieces = intersection(pieces, link);
  }
  return { pieces, variable };
}

function linkOf(left: Expression, right: Expression, operator: string, variable: string, c: Comparison): readonly Piece[] | undefined {
  switch (operator) {
    case "<":
    case "<=":
    case "=":
    case "!=":
      return solve({ left, right, operator }, variable, c);
    case ">":
      return solve({ left: right, right: left, operator: "<" }, variable, c);
    case ">=":
      return solve({ left: right, right: left, operator: "<=" }, variable, c);
    case "in":
    case "notin": {
      const set = left.kind === "symbol" ? realSetOf(right, c) : undefined;
      return set && (operator === "in" ? set.pieces : complement(set.pieces));
    }
    default:
      return undefined;
  }
}

/** `x < -2 or x > 2`, `x > 1, x < 3`: what satisfies all at once, or if nothing does, what satisfies any; intervals are united. */
function listOf(items: readonly Expression[], c: Comparison): RealSet | undefined {
  const sets: RealSet[] = [];
  for (const item of items) {
    if (item.kind !== "relation" && item.kind !== "bracket" && item.kind !== "setOperation") return undefined;
    const set = realSetOf(item, c);
    if (set === undefined || (sets.length > 0 && set.variable !== sets[0]!.variable)) return undefined;
    sets.push(set);
  }
  const variable = sets[0]!.variable;
  const all = sets.map(({ pieces }) => pieces).reduce(intersection);
  const any = union(sets.flatMap(({ pieces }) => pieces));
  return { pieces: variable !== undefined && all.length > 0 ? all : any, variable };
}
