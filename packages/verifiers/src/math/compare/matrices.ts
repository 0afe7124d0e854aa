// Matrices: arithmetic that ends in one matrix, and equality entry by entry.
import type { Expression, ExpressionOf } from "../syntax/expression.ts";
import type { Comparison } from "./comparison.ts";
import { mapExpression } from "./rewrite.ts";

type Matrix = ExpressionOf<"matrix">;

/** Largest matrix that arithmetic is done on, in entries. */
const MAX_ENTRIES = 400;

/** `expression` with sums, differences, scalar multiples, products and transposes of matrices carried out. */
export function foldMatrices(expression: Expression): Expression {
  return mapExpression(expression, (node) => {
    switch (node.kind) {
      case "negative":
        return node.operand.kind === "matrix" ? entrywise(node.operand, (x) => ({ kind: "negative", operand: x })) : node;
      case "product":
        return node.factors.some(({ kind }) => kind === "matrix") ? node.factors.reduce(multiply) : node;
      case "quotient": {
        const { numerator, denominator } = node;
        return numerator.kind === "matrix" ? entrywise(numerator, (x) => ({ kind: "quotient", numerator: x, denominator })) : node;
      }
      case "sum":
        return node.terms.every(({ kind }) => kind === "matrix") ? node.terms.reduce(add) : node;
      case "power":
        if (node.base.kind !== "matrix") return node;
        if (node.exponent.kind === "symbol" && node.exponent.name === "T") return transpose(node.base);
        return node.exponent.kind === "number" && node.exponent.value.numerator === 2n ? multiply(node.base, node.base) : node;
      default:
        return node;
    }
  });
}

function entrywise({ rows }: Matrix, f: (entry: Expression) => Expression): Matrix {
  return { kind: "matrix", rows: rows.map((row) => row.map(f)) };
}

function transpose({ rows }: Matrix): Matrix {
  return { kind: "matrix", rows: rows[0]!.map((_, j) => rows.map((row) => row[j]!)) };
}

function add(a: Expression, b: Expression): Expression {
  const sum = (terms: Expression[]): Expression => ({ kind: "sum", terms });
  if (a.kind !== "matrix" || b.kind !== "matrix" || !sameShape(a, b)) return sum([a, b]);
  return { kind: "matrix", rows: a.rows.map((row, i) => row.map((entry, j) => sum([entry, b.rows[i]![j]!]))) };
}

function multiply(a: Expression, b: Expression): Expression {
  const product = (factors: Expression[]): Expression => ({ kind: "product", factors });
  if (a.kind === "matrix" && b.kind === "matrix") {
    const size = a.rows.length * a.rows[0]!.length * b.rows[0]!.length;
    if (a.rows[0]!.length !== b.rows.length || size > MAX_ENTRIES) return product([a, b]);
    const columns = transpose(b).rows;
    return {
      kind: "matrix",
      rows: a.rows.map((row) => columns.map((column) => ({ kind: "sum", terms: row.map((entry, k) => product([entry, column[k]!])) }))),
    };
  }
  if (a.kind === "matrix") return entrywise(a, (entry) => product([entry, b]));
  if (b.kind === "matrix") return entrywise(b, (entry) => product([a, entry]));
  return product([a, b]);
}

function sameShape(a: Matrix, b: Matrix): boolean {
  return a.rows.length === b.rows.length && a.rows[0]!.length === b.rows[0]!.length;
}

/** A matrix equals another of its shape with equal entries; one with a single column also equals the tuple of its entries. */
export function matricesEqual(a: Expression, b: Expression, c: Comparison): boolean {
  if (a.kind === "matrix" && b.kind === "matrix")
    return sameShape(a, b) && a.rows.every((row, i) => row.every((entry, j) => c.equal(entry, b.rows[i]![j]!)));
  if (a.kind !== "matrix") return b.kind === "matrix" && matricesEqual(b, a, c);
  if (b.kind === "bracket" && a.rows[0]!.length === 1)
    return b.items.length === a.rows.length && a.rows.every((row, i) => c.equal(row[0]!, b.items[i]!));
  return a.rows.length === 1 && a.rows[0]!.length === 1 && c.equal(a.rows[0]![0]!, b);
}
