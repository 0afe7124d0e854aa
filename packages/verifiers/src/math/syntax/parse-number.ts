// Number tokens as exact rationals.
import { MAX_NUMBER_DIGITS } from "../limits.ts";
import type { NumberNode } from "./expression.ts";
import { NotReadable } from "./grammar.ts";
import type { Token } from "./tokens.ts";

/** The value of a `number` or `repeating` token. */
export function numberNode(token: Token): NumberNode {
  if (token.value.length > MAX_NUMBER_DIGITS) throw new NotReadable();
  return token.kind === "repeating" ? repeatingDecimal(token.value) : decimalNumber(token.value);
}

function decimalNumber(text: string): NumberNode {
  const [whole = "", decimals = ""] = text.split(".");
  const value = { numerator: BigInt(`0${whole}${decimals}`), denominator: 10n ** BigInt(decimals.length) };
  return { kind: "number", value, decimal: decimals.length > 0, digits: text };
}

/** `0.1(6)`: the digits before the repetend, and those with it, differ by a whole multiple of the repetend's nines. */
function repeatingDecimal(text: string): NumberNode {
  const [whole = "", rest = ""] = text.split(".");
  const [fixed = "", repetend = ""] = rest.replace(")", "").split("(");
  const nines = 10n ** BigInt(repetend.length) - 1n;
  const numerator = BigInt(`0${whole}${fixed}${repetend}`) - BigInt(`0${whole}${fixed}`);
  return { kind: "number", value: { numerator, denominator: nines * 10n ** BigInt(fixed.length) }, decimal: false };
}

/** The value of `digits` (of `[0-9A-Z]`) in `base`, or undefined if a digit is too large for it. */
export function inBase(digits: string, base: number): NumberNode | undefined {
  if (digits.length > MAX_NUMBER_DIGITS / 4) return undefined;
  let value = 0n;
  for (const char of digits) {
    const digit = Number.parseInt(char, 36);
    if (!(digit < base)) return undefined;
    value = value * BigInt(base) + BigInt(digit);
  }
  return { kind: "number", value: { numerator: value, denominator: 1n }, decimal: false, base, digits };
}
