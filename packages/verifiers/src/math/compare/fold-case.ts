// Capital and small letters as one variable.
import { freeSymbols } from "../evaluate/free-symbols.ts";
import type { Expression } from "../syntax/expression.ts";
import { mapExpression } from "./rewrite.ts";

/** `expression` with small letters; itself if it has no capitals; undefined if two of its variables differ in case alone. */
export function foldCase(expression: Expression): Expression | undefined {
  const names = [...freeSymbols(expression)];
  if (names.every((name) => name === name.toLowerCase())) return expression;
  if (new Set(names.map((name) => name.toLowerCase())).size !== names.length) return undefined;
  return mapExpression(expression, (node) => (node.kind === "symbol" ? { ...node, name: node.name.toLowerCase() } : node));
}
