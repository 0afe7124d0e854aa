// A number with the base that may stand below it.
import type { Expression } from "./expression.ts";
import type { Grammar } from "./grammar.ts";
import { inBase, numberNode } from "./parse-number.ts";

const BASE_WORDS: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  twelve: 12,
  sixteen: 16,
};

/** `12.5`, `0.(3)`, `101_2`, `1e-5`. */
export function parseNumber(g: Grammar): Expression {
  const token = g.next();
  if (g.is("_") && token.kind === "number") {
    const inDifferentBase = g.attempt(() => parseBase(g, token.value));
    if (inDifferentBase !== undefined) return inDifferentBase;
  }
  const value = numberNode(token);
  const exponent = scientificExponent(g, token.value);
  if (exponent === undefined) return value;
  const power = 10n ** BigInt(Math.abs(exponent));
  const { numerator, denominator } = value.value;
  const scaled = exponent < 0 ? { numerator, denominator: denominator * power } : { numerator: numerator * power, denominator };
  return { kind: "number", value: scaled, decimal: true };
}

/** The base below a number whose digits have been read. */
export function parseBase(g: Grammar, digits: string): Expression {
  g.expect("_");
  const below = g.argument();
  const base =
    below.kind === "number" && below.value.denominator === 1n
      ? Number(below.value.numerator)
      : below.kind === "text"
        ? BASE_WORDS[below.text.toLowerCase()]
        : undefined;
  const value = base !== undefined && base >= 2 && base <= 36 ? inBase(digits, base) : undefined;
  return value ?? g.fail();
}

/** The exponent of `1.5e-3`: only where `e` cannot be Euler's number, since 3e-2 is three times e less two. */
function scientificExponent(g: Grammar, mantissa: string): number | undefined {
  const letter = g.peek();
  if (letter?.kind !== "letter" || letter.spaced || letter.value.toLowerCase() !== "e") return undefined;
  const signed = g.is("-", 1) || g.is("+", 1);
  const digits = g.peek(signed ? 2 : 1);
  if (digits?.kind !== "number" || digits.spaced || !/^\d{1,3}$/.test(digits.value)) return undefined;
  const certain = mantissa.includes(".") || mantissa === "1" || digits.value.length > 1 || letter.value === "E" || g.is("+", 1);
  const after = g.peek(signed ? 3 : 2);
  if (!certain || after?.value === "^" || after?.kind === "letter") return undefined;
  const negative = g.is("-", 1);
  g.next();
  if (signed) g.next();
  const exponent = Number(g.next().value);
  return negative ? -exponent : exponent;
}
