// Numbers with something after them: percent, degrees, units.
import { evaluateExactly } from "../evaluate/exact.ts";
import { freeSymbols } from "../evaluate/free-symbols.ts";
import { isWhole } from "../rational.ts";
import type { Rational } from "../rational.ts";
import { integer } from "../syntax/expression.ts";
import type { Expression, ExpressionOf } from "../syntax/expression.ts";
import { parseUnit } from "../syntax/units.ts";
import type { Comparison } from "./comparison.ts";
import { normalWords } from "./words.ts";

/** Equality where at least one side is a quantity, percentage or angle; undefined where neither is. */
export function measuresEqual(a: Expression, b: Expression, c: Comparison): boolean | undefined {
  const [measuredA, measuredB] = [quotientOfUnits(a), quotientOfUnits(b)];
  if (a.kind === "quantity" || b.kind === "quantity") return quantitiesEqual(measuredA ?? a, measuredB ?? b, c);
  if ((measuredA === undefined) !== (measuredB === undefined)) {
    // A number beside 5\frac{m}{s}; beside another formula it is one itself.
    const [measured, other] = measuredA === undefined ? [measuredB!, a] : [measuredA, b];
    if (freeSymbols(other).size === 0) return quantitiesEqual(measured, other, c);
  }
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
  // 90 minutes, 1 hour 30 minutes
  if (b.kind === "sum" && b.terms.every(({ kind }) => kind === "quantity")) {
    const units = [a, ...(b.terms as ExpressionOf<"quantity">[])].map(({ unit }) => parseUnit(unit));
    if (units.some((unit) => unit === undefined || unit.dimension !== units[0]!.dimension)) return false;
    return c.equal(inBaseUnits(a.value, units[0]!.factor), b);
  }
  if (b.kind === "percent" && parseUnit(a.unit) !== undefined) return false;
  if (halfOfDay(a.unit) !== undefined && a.value.kind === "ratio" && b.kind === "ratio")
    return clockTimesEqual(a.value, b, c) || clockTimesEqual(asOn24Hours(a.value, a.unit), b, c);
  if (/^(?:degrees?|deg)$/i.test(a.unit)) return c.equal({ kind: "degree", operand: a.value }, b);
  return c.equal(a.value, b);
}

function bothWithUnits(a: ExpressionOf<"quantity">, b: ExpressionOf<"quantity">, c: Comparison): boolean {
  const [halfA, halfB] = [halfOfDay(a.unit), halfOfDay(b.unit)];
  if (halfA !== undefined && halfB !== undefined)
    return (
      halfA === halfB &&
      (a.value.kind === "ratio" && b.value.kind === "ratio" ? clockTimesEqual(a.value, b.value, c) : c.equal(a.value, b.value))
    );
  const [unitA, unitB] = [parseUnit(a.unit), parseUnit(b.unit)];
  if (unitA === undefined || unitB === undefined) {
    if (c.policy.units === "keep" && normalWords(a.unit) !== normalWords(b.unit)) return false;
    return c.equal(a.value, b.value);
  }
  if (unitA.dimension !== unitB.dimension) return false;
  if (unitA.factor.numerator * unitB.factor.denominator === unitB.factor.numerator * unitA.factor.denominator)
    return c.equal(a.value, b.value);
  return c.equal(inBaseUnits(a.value, unitA.factor), inBaseUnits(b.value, unitB.factor));
}

function inBaseUnits(value: Expression, factor: Rational): Expression {
  return { kind: "product", factors: [value, { kind: "number", value: factor, decimal: false }] };
}

/** `5\frac{m}{s}`, `9.8 \frac{\text{km}}{h^2}`: a number times a quotient of units, as the quantity that it may be read as. */
function quotientOfUnits(expression: Expression): ExpressionOf<"quantity"> | undefined {
  // \$5/\text{hour}
  if (expression.kind === "quotient" && expression.numerator.kind === "quantity") {
    const { value, unit } = expression.numerator;
    const whole = `${unit}/${unitName(expression.denominator)}`;
    return parseUnit(whole) === undefined ? undefined : { kind: "quantity", value, unit: whole };
  }
  if (expression.kind !== "product") return undefined;
  const quotient = expression.factors.at(-1)!;
  if (quotient.kind !== "quotient" || expression.factors.slice(0, -1).some((factor) => freeSymbols(factor).size > 0)) return undefined;
  const unit = `${unitName(quotient.numerator)}/${unitName(quotient.denominator)}`;
  // Of single letters only speeds and accelerations: others are rather variables.
  if (parseUnit(unit) === undefined || !(/[a-z]{2}/i.test(unit) || /^m\/s(?:\^2)?$/.test(unit))) return undefined;
  const [first, ...others] = expression.factors.slice(0, -1);
  return { kind: "quantity", value: others.length === 0 ? first! : { kind: "product", factors: [first!, ...others] }, unit };
}

function unitName(expression: Expression): string {
  if (expression.kind === "symbol") return expression.name;
  if (expression.kind === "text") return expression.text;
  if (expression.kind !== "power" || expression.exponent.kind !== "number") return "?";
  return `${unitName(expression.base)}^${expression.exponent.digits ?? ""}`;
}

function halfOfDay(unit: string): "am" | "pm" | undefined {
  const letters = unit.toLowerCase().replaceAll(/[\s.]/g, "");
  return letters === "am" || letters === "pm" ? letters : undefined;
}

/** 3:30 in the afternoon is 15:30, 12:15 after midnight 0:15. */
function asOn24Hours({ items: [hour, ...rest] }: ExpressionOf<"ratio">, unit: string): ExpressionOf<"ratio"> {
  const isTwelve = hour!.kind === "number" && hour!.value.numerator === 12n && hour!.value.denominator === 1n;
  const shift = halfOfDay(unit) === "pm" ? (isTwelve ? 0 : 12) : isTwelve ? -12 : 0;
  return { kind: "ratio", items: [{ kind: "sum", terms: [hour!, integer(shift)] }, ...rest] };
}

/** Hours with hours, minutes with minutes: 3:30 is not 1:10. */
function clockTimesEqual(a: ExpressionOf<"ratio">, b: ExpressionOf<"ratio">, c: Comparison): boolean {
  return a.items.length === b.items.length && a.items.every((item, i) => c.equal(item, b.items[i]!));
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
