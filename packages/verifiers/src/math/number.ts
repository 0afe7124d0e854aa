// One number literal as an exact rational: integers, decimals, fractions, mixed numbers, scientific notation, % and degrees.
// Not an expression evaluator: 2^{10}, 3\cdot 4 and \sqrt{4} are not literals.
import { DIGIT_GAP, isDigit } from "./latex-tokens.ts";
import { MAX_DECIMAL_EXPONENT, MAX_NUMBER_DIGITS } from "./limits.ts";
import { add, divide, negate, scaleByPowerOfTen, type Rational } from "./rational.ts";

/** A literal's value; `percent` says that it was written with the sign, and `value` is then already divided by 100. */
export interface NumberLiteral {
  readonly value: Rational;
  readonly percent: boolean;
}

/**
 * The number that `tokens` (of `latexTokens`) write, or undefined if they are anything else. Thousands may be set apart by
 * commas, `{,}` or spaces in groups of three; leading zeros do not matter (`025` is 25); a degree sign is a unit and is dropped.
 */
export function parseNumber(tokens: readonly string[]): NumberLiteral | undefined {
  const reader = new TokenReader(tokens);
  reader.skip("\\$");
  const sign = readSign(reader);
  reader.skip("\\$");
  const magnitude = readMagnitude(reader);
  if (magnitude === undefined) return undefined;
  const percent = reader.skip("%");
  if (!percent && reader.skip("^") && !reader.skip("\\circ")) return undefined;
  if (!reader.done()) return undefined;
  const value = sign < 0 ? negate(magnitude) : magnitude;
  return { value: percent ? scaleByPowerOfTen(value, -2) : value, percent };
}

/** A cursor over tokens. */
class TokenReader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  peek(ahead = 0): string | undefined {
    return this.#tokens[this.#at + ahead];
  }

  skip(token: string): boolean {
    if (this.peek() !== token) return false;
    this.#at++;
    return true;
  }

  /** The run of digits here, without moving past anything else. */
  digits(): string {
    const start = this.#at;
    while (this.#at < this.#tokens.length && isDigit(this.#tokens[this.#at]!)) this.#at++;
    return this.#tokens.slice(start, this.#at).join("");
  }

  done(): boolean {
    return this.#at >= this.#tokens.length;
  }

  advance(count: number): void {
    this.#at += count;
  }
}

function readSign(reader: TokenReader): 1 | -1 {
  if (reader.skip("-")) return -1;
  reader.skip("+");
  return 1;
}

/** decimal, decimal/decimal, \frac, integer followed by \frac (mixed), decimal with an exponent. */
function readMagnitude(reader: TokenReader): Rational | undefined {
  if (reader.peek() === "\\frac") return readFraction(reader, readSigned);
  const first = readDecimal(reader);
  if (first === undefined) return undefined;
  if (reader.peek() === "\\frac") {
    if (first.denominator !== 1n) return undefined;
    const part = readFraction(reader, readDecimal);
    return part === undefined || part.numerator >= part.denominator ? undefined : add(first, part);
  }
  if (reader.skip("/")) {
    const second = readSigned(reader);
    return second === undefined ? undefined : divide(first, second);
  }
  return readExponent(reader, first);
}

function readSigned(reader: TokenReader): Rational | undefined {
  const sign = readSign(reader);
  const value = readDecimal(reader);
  return value === undefined || sign > 0 ? value : negate(value);
}

/** `\frac` and two arguments: each one digit, or a group that `readArgument` reads whole. */
function readFraction(reader: TokenReader, readArgument: (reader: TokenReader) => Rational | undefined): Rational | undefined {
  reader.skip("\\frac");
  const numerator = readGroup(reader, readArgument);
  const denominator = numerator === undefined ? undefined : readGroup(reader, readArgument);
  return numerator === undefined || denominator === undefined ? undefined : divide(numerator, denominator);
}

function readGroup(reader: TokenReader, readArgument: (reader: TokenReader) => Rational | undefined): Rational | undefined {
  if (reader.skip("{")) {
    const value = readArgument(reader);
    return value !== undefined && reader.skip("}") ? value : undefined;
  }
  const digit = reader.peek();
  if (digit === undefined || !isDigit(digit)) return undefined;
  reader.advance(1);
  return { numerator: BigInt(digit), denominator: 1n };
}

/** Digits with optional thousands separators and decimal point; `.5` and `5.` are numbers, `.` is not. */
function readDecimal(reader: TokenReader): Rational | undefined {
  let whole = reader.digits();
  for (const separator of [",", DIGIT_GAP]) {
    if (whole.length === 0 || whole.length > 3 || reader.peek() !== separator) continue;
    while (reader.peek() === separator) {
      reader.advance(1);
      const group = reader.digits();
      if (group.length !== 3) return undefined;
      whole += group;
    }
    break;
  }
  const fraction = reader.skip(".") ? reader.digits() : "";
  const digits = whole + fraction;
  if (digits.length === 0 || digits.length > MAX_NUMBER_DIGITS) return undefined;
  return { numerator: BigInt(digits), denominator: 10n ** BigInt(fraction.length) };
}

/** Nothing, `e5`, `E-5`, or `\times 10^{5}` (also `\cdot`). */
function readExponent(reader: TokenReader, value: Rational): Rational | undefined {
  if (reader.peek() === "e" || reader.peek() === "E") {
    reader.advance(1);
    return scale(value, readSign(reader), reader.digits());
  }
  if (reader.peek() !== "\\times" && reader.peek() !== "\\cdot") return value;
  if (reader.peek(1) !== "1" || reader.peek(2) !== "0" || reader.peek(3) !== "^") return undefined;
  reader.advance(4);
  const braced = reader.skip("{");
  const sign = readSign(reader);
  const digits = braced ? reader.digits() : singleDigit(reader);
  return braced && !reader.skip("}") ? undefined : scale(value, sign, digits);
}

/** An exponent without braces is one digit in LaTeX. */
function singleDigit(reader: TokenReader): string {
  const digits = reader.digits();
  return digits.length === 1 ? digits : "";
}

function scale(value: Rational, sign: 1 | -1, digits: string): Rational | undefined {
  if (digits.length === 0 || digits.length > 6) return undefined;
  const exponent = Number(digits);
  return exponent > MAX_DECIMAL_EXPONENT ? undefined : scaleByPowerOfTen(value, sign * exponent);
}
