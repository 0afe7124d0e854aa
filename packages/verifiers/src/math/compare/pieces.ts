// Sets of real numbers as sorted, disjoint pieces: the algebra of unions, intersections and complements.
import type { Expression } from "../syntax/expression.ts";

/** An end of a piece: its value, the expression that gave it (none for ±∞), and whether it belongs to the piece. */
export interface End {
  readonly value: number;
  readonly expression: Expression | undefined;
  readonly closed: boolean;
}

/** All reals from `low` to `high`; one point where both are the same and closed. */
export interface Piece {
  readonly low: End;
  readonly high: End;
}

export const MINUS_INFINITY: End = { value: Number.NEGATIVE_INFINITY, expression: undefined, closed: false };
export const PLUS_INFINITY: End = { value: Number.POSITIVE_INFINITY, expression: undefined, closed: false };
export const ALL_REALS: readonly Piece[] = [{ low: MINUS_INFINITY, high: PLUS_INFINITY }];

/** Ends closer than this part of their size are the same end, written in two ways. */
const SAME_END = 1e-11;

export function point(end: End): Piece {
  const closed = { ...end, closed: true };
  return { low: closed, high: closed };
}

/** -1, 0, 1 as `a` lies left of, at, or right of `b`. */
function order(a: End, b: End): -1 | 0 | 1 {
  if (a.value === b.value) return 0;
  const finite = Number.isFinite(a.value) && Number.isFinite(b.value);
  if (finite && Math.abs(a.value - b.value) <= SAME_END * Math.max(1, Math.abs(a.value), Math.abs(b.value))) return 0;
  return a.value < b.value ? -1 : 1;
}

/** Pieces without empty ones, sorted, those that touch or overlap merged. */
export function union(pieces: readonly Piece[]): readonly Piece[] {
  const sorted = pieces
    .filter(({ low, high }) => order(low, high) < 0 || (order(low, high) === 0 && low.closed && high.closed))
    .sort((a, b) => order(a.low, b.low) || Number(b.low.closed) - Number(a.low.closed));
  const merged: Piece[] = [];
  for (const piece of sorted) {
    const last = merged.at(-1);
    const gap = last === undefined ? 1 : order(piece.low, last.high);
    if (last === undefined || gap > 0 || (gap === 0 && !piece.low.closed && !last.high.closed)) merged.push(piece);
    else merged[merged.length - 1] = { low: last.low, high: further(last.high, piece.high) };
  }
  return merged;
}

function further(a: End, b: End): End {
  const side = order(a, b);
  return side > 0 || (side === 0 && a.closed) ? a : b;
}

export function intersection(a: readonly Piece[], b: readonly Piece[]): readonly Piece[] {
  return union(a.flatMap((x) => b.map((y) => ({ low: inner(x.low, y.low, 1), high: inner(x.high, y.high, -1) }))));
}

function inner(a: End, b: End, sign: 1 | -1): End {
  const side = order(a, b) * sign;
  return side > 0 || (side === 0 && !a.closed) ? a : b;
}

export function complement(pieces: readonly Piece[]): readonly Piece[] {
  const gaps: Piece[] = [];
  let low = MINUS_INFINITY;
  for (const piece of union(pieces)) {
    gaps.push({ low, high: { ...piece.low, closed: !piece.low.closed && piece.low.expression !== undefined } });
    low = { ...piece.high, closed: !piece.high.closed && piece.high.expression !== undefined };
  }
  return union([...gaps, { low, high: PLUS_INFINITY }]);
}
