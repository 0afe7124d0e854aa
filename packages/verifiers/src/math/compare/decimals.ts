// Numbers written as decimals: they equal what agrees with them after rounding.
import { evaluateExactly } from "../evaluate/exact.ts";
import { freeSymbols } from "../evaluate/free-symbols.ts";
import { evaluate } from "../evaluate/numeric.ts";
import { isWhole, toNumber } from "../rational.ts";
import type { Expression } from "../syntax/expression.ts";
import type { Comparison } from "./comparison.ts";

/**
 * Two numbers that round alike at six places must also agree to this part of their size: 0.0000123 is not 0.0000118. With fewer places, whoever
 * asks for them wants less, ten times for each.
 */
const RELATIVE_AGREEMENT = 1e-3;
const PLACES = 6;

/**
 * Whether one side is a decimal, the other a real constant that is no whole number, and both round to the same number of
 * `decimalPlaces`: 0.333333 equals 1/3, but 0.9999999 not 1.
 */
export function roundedEqual(a: Expression, b: Expression, c: Comparison): boolean {
  if (!isDecimal(a) && !isDecimal(b)) return false;
  if (isInteger(a, c) || isInteger(b, c)) return false;
  if (freeSymbols(a).size > 0 || freeSymbols(b).size > 0) return false;
  const [x, y] = [realValue(a, c), realValue(b, c)];
  if (x === undefined || y === undefined) return false;
  const scale = 10 ** c.policy.decimalPlaces;
  const difference = Math.abs(x - y);
  const agreement = RELATIVE_AGREEMENT * 10 ** Math.max(0, PLACES - c.policy.decimalPlaces);
  return (
    Math.round(x * scale) === Math.round(y * scale) && difference <= agreement * Math.max(Math.abs(x), Math.abs(y)) && Math.abs(x) < 1e9
  );
}

/** A literal with a decimal point, whatever its sign; also a percentage. */
function isDecimal(expression: Expression): boolean {
  if (expression.kind === "negative" || expression.kind === "percent") return isDecimal(expression.operand);
  return expression.kind === "number" && expression.decimal;
}

function isInteger(expression: Expression, c: Comparison): boolean {
  const value = isDecimal(expression) ? undefined : evaluateExactly(expression, c.budget);
  return value !== undefined && isWhole(value);
}

function realValue(expression: Expression, c: Comparison): number | undefined {
  const exact = evaluateExactly(expression, c.budget);
  if (exact !== undefined) return toNumber(exact);
  const value = evaluate(expression, { variables: new Map(), budget: c.budget, roots: "real", logBase: c.policy.logBase });
  return Math.abs(value.im) <= value.err && Number.isFinite(value.re) ? value.re : undefined;
}
