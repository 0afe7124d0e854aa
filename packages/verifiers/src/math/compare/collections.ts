// Lists, sets and tuples: which items must equal which.
import type { Expression, ExpressionOf } from "../syntax/expression.ts";
import { assignmentOf } from "./assignment.ts";
import type { Comparison } from "./comparison.ts";

export type Collection = ExpressionOf<"list"> | ExpressionOf<"set"> | ExpressionOf<"bracket">;

/** Longest collections whose items are matched in any order. */
const MAX_UNORDERED = 64;

export function isCollection(expression: Expression): expression is Collection {
  return expression.kind === "list" || expression.kind === "set" || expression.kind === "bracket";
}

/**
 * Tuples are ordered, sets are not, a bare list is whichever the other side is; two lists are unordered. A set ignores repeats. A list
 * of assignments to different variables is ordered by variable.
 */
export function collectionsEqual(a: Collection, b: Collection, c: Comparison): boolean {
  if (a.kind !== "bracket" && b.kind !== "bracket") return unordered(a, b, c);
  if (a.kind === "bracket" && b.kind === "bracket") return bracketsEqual(a, b, c);
  const [tuple, other] = a.kind === "bracket" ? [a, b] : [b as ExpressionOf<"bracket">, a];
  if (tuple.items.length === 2 && (tuple.open === "[" || tuple.close === "]")) return false;
  if (other.kind === "set" && c.policy.tupleAsSet === "distinct") return false;
  return ordered(tuple.items, valuesByVariable(other.items) ?? other.items, c) || ordered(tuple.items, other.items, c);
}

/** Of two items brackets of different shape are different intervals; of more, any brackets make a tuple. */
function bracketsEqual(a: ExpressionOf<"bracket">, b: ExpressionOf<"bracket">, c: Comparison): boolean {
  if (a.items.length === 2 && (a.open !== b.open || a.close !== b.close)) return false;
  return ordered(a.items, b.items, c);
}

function ordered(a: readonly Expression[], b: readonly Expression[], c: Comparison): boolean {
  return a.length === b.length && a.every((item, i) => c.equal(item, b[i]!));
}

function unordered(a: Collection, b: Collection, c: Comparison): boolean {
  const [namedA, namedB] = [valuesByVariable(a.items), valuesByVariable(b.items)];
  // x = 1, y = 2 against 1, 2: only the order says which is which.
  if ((namedA === undefined) !== (namedB === undefined))
    return ordered(namedA ?? a.items, namedB ?? b.items, c) || ordered(a.items, b.items, c);
  const [left, right] = [distinct(a.items, c), distinct(b.items, c)];
  if (left.length !== right.length || left.length > MAX_UNORDERED) return false;
  return left.every((item) => {
    const match = right.findIndex((other) => c.equal(item, other));
    if (match >= 0) right.splice(match, 1);
    return match >= 0;
  });
}

/** Items without repeats; long lists are left as they are. */
function distinct(items: readonly Expression[], c: Comparison): Expression[] {
  if (items.length > MAX_UNORDERED) return [...items];
  const kept: Expression[] = [];
  for (const item of items) if (!kept.some((other) => c.equal(item, other))) kept.push(item);
  return kept;
}

/** The values of assignments to variables that all differ, in the order of their names; else undefined. */
function valuesByVariable(items: readonly Expression[]): readonly Expression[] | undefined {
  const named: { name: string; value: Expression }[] = [];
  for (const item of items) {
    const assignment = assignmentOf(item);
    if (assignment === undefined || assignment.target.kind !== "symbol") return undefined;
    named.push({ name: assignment.target.name, value: assignment.value });
  }
  if (named.length < 2 || new Set(named.map(({ name }) => name)).size !== named.length) return undefined;
  return named.sort((x, y) => (x.name < y.name ? -1 : 1)).map(({ value }) => value);
}
