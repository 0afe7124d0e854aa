// Whether two answers are equal: by exact value when both are number literals, else token by token.
import type { Answer } from "./answer.ts";
import type { NumberLiteral } from "./number.ts";
import type { MathPolicy } from "./policy.ts";
import { rationalsEqual, scaleByPowerOfTen } from "./rational.ts";

/** What decided a comparison. */
export type ComparisonRule = "rational" | "latex";

/** Symmetric in its two answers. `rational` decides when both are numbers, `latex` otherwise. */
export function compareAnswers(a: Answer, b: Answer, policy: MathPolicy): { readonly equal: boolean; readonly rule: ComparisonRule } {
  if (a.number !== undefined && b.number !== undefined)
    return { equal: numbersEqual(a.number, b.number, policy.percent), rule: "rational" };
  return { equal: sameTokens(a.tokens, b.tokens), rule: "latex" };
}

function numbersEqual(a: NumberLiteral, b: NumberLiteral, percent: MathPolicy["percent"]): boolean {
  if (rationalsEqual(a.value, b.value)) return true;
  if (percent === "exact" || a.percent === b.percent) return false;
  return a.percent ? rationalsEqual(scaleByPowerOfTen(a.value, 2), b.value) : rationalsEqual(a.value, scaleByPowerOfTen(b.value, 2));
}

function sameTokens(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((token, i) => token === b[i]);
}
