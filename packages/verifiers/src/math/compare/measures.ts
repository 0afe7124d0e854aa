// Numbers with something after them: percent, degrees, units.
import { evaluateExactly } from "../evaluate/exact.ts";
import { isWhole } from "../rational.ts";
import type { Expression, ExpressionOf } from "../syntax/expression.ts";
import { parseUnit } from "../syntax/units.ts";
import type { Comparison } from "./comparison.ts";
import { normalWords } from "./words.ts";

/** Equality where at least one side is a quantity, percentage or angle; undefined where neither is. */
export function measuresEqual(a: Expression, b: Expression, c: Comparison): boolean | undefined {
  if (a.kind === "quantity" || b.kind === "quantity") return quantitiesEqual(a, b, c);
  if (a.kind === "percent" || b.kind === "percent") return percentagesEqual(a, b, c);
  if (a.kind === "degree" || b.kind === "degree") return anglesEqual(a, b, c);
  return undefined;
}

/** Known units convert; words that are no unit say nothing; a side without a unit takes the other's unless the policy forbids. */
function quantitiesEqual(a: Expression, b: Expression, c: Comparison): boolean {
  if (a.kind !== "quantity") return quantitiesEqual(b, a, c);
  const result = b.kind === "quantity" ? bothWithUnits(a, b, c) : c.policy.units === "drop" && withoutUnit(a, b, c);
  c.rule = "unit";
  return result;
}

function withoutUnit(a: ExpressionOf<"quantity">, b: Expression, c: Comparison): boolean {
  if (/^(?:degrees?|deg)$/i.test(a.unit)) return c.equal({ kind: "degree", operand: a.value }, b);
  return c.equal(a.value, b);
}

function bothWithUnits(a: ExpressionOf<"quantity">, b: ExpressionOf<"quantity">, c: Comparison): boolean {
  const [unitA, unitB] = [parseUnit(a.unit), parseUnit(b.unit)];
  if (unitA === undefined || unitB === undefined) {
    if (c.policy.units === "keep" && normalWords(a.unit) !== normalWords(b.unit)) return false;
    return c.equal(a.value, b.value);
  }
  if (unitA.dimension !== unitB.dimension) return false;
  if (unitA.factor.numerator * unitB.factor.denominator === unitB.factor.numerator * unitA.factor.denominator)
    return c.equal(a.value, b.value);
  const inBaseUnits = (value: Expression, factor: typeof unitA.factor): Expression => ({
    kind: "product",
    factors: [value, { kind: "number", value: factor, decimal: false }],
  });
  return c.equal(inBaseUnits(a.value, unitA.factor), inBaseUnits(b.value, unitB.factor));
}

function percentagesEqual(a: Expression, b: Expression, c: Comparison): boolean {
  if (a.kind === "percent" && b.kind === "percent") return c.equal(a.operand, b.operand);
  const [percent, other] = a.kind === "percent" ? [a, b] : [b as ExpressionOf<"percent">, a];
  const hundredth: Expression = { kind: "number", value: { numerator: 1n, denominator: 100n }, decimal: isDecimalLiteral(percent.operand) };
  const exact = evaluateExactly(percent, c.budget);
  const asFraction: Expression =
    exact === undefined
      ? { kind: "product", factors: [percent.operand, hundredth] }
      : { kind: "number", value: exact, decimal: isDecimalLiteral(percent.operand) };
  const equal = c.equal(asFraction, other) || (bareNumberAllowed(percent, c) && c.equal(percent.operand, other));
  c.rule = "percent";
  return equal;
}

function bareNumberAllowed({ operand }: ExpressionOf<"percent">, c: Comparison): boolean {
  if (c.policy.percent !== "integers") return c.policy.percent === "either";
  const value = evaluateExactly(operand, c.budget);
  return value !== undefined && isWhole(value);
}

function isDecimalLiteral(expression: Expression): boolean {
  return expression.kind === "number" ? expression.decimal : expression.kind === "negative" && isDecimalLiteral(expression.operand);
}

/** 30° equals 30, where the sign is a unit, and π/6, which it is. */
function anglesEqual(a: Expression, b: Expression, c: Comparison): boolean {
  if (a.kind === "degree" && b.kind === "degree") return c.equal(a.operand, b.operand);
  const [angle, other] = a.kind === "degree" ? [a, b] : [b as ExpressionOf<"degree">, a];
  const inRadians: Expression = {
    kind: "product",
    factors: [
      angle.operand,
      {
        kind: "quotient",
        numerator: { kind: "constant", name: "pi" },
        denominator: { kind: "number", value: { numerator: 180n, denominator: 1n }, decimal: false },
      },
    ],
  };
  const equal = c.equal(angle.operand, other) || c.equal(inRadians, other);
  c.rule = "unit";
  return equal;
}
