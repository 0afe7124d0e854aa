// Printed output against the expected one: line by line, word by word, numbers by value. Linear time, constant memory.
import type { CodePolicy } from "./policy.ts";

/** Longest word read as a number; longer ones are compared as text. */
const MAX_NUMBER_CHARS = 1000;
const NUMBER = /^([+-]?)(\d*)(?:(\.)(\d*))?(?:[eE]([+-]?\d{1,6}))?$/;

/** Whether `actual` is the output `expected`: surrounding blanks aside, the same words in every line, numbers equal by {@link sameNumber}. */
export function sameOutput(expected: string, actual: string, policy: Pick<CodePolicy, "floatTolerance" | "layout">): boolean {
  const [left, right] = [expected.trim(), actual.trim()];
  if (left === right) return true;
  if (policy.layout === "tokens") return sameLine(left, right, policy.floatTolerance);
  for (let i = 0, j = 0; ;) {
    const [iEnd, jEnd] = [left.indexOf("\n", i), right.indexOf("\n", j)];
    if (iEnd < 0 !== jEnd < 0) return false;
    const same = sameLine(
      iEnd < 0 ? left.slice(i) : left.slice(i, iEnd),
      jEnd < 0 ? right.slice(j) : right.slice(j, jEnd),
      policy.floatTolerance,
    );
    if (!same) return false;
    if (iEnd < 0) return true;
    [i, j] = [iEnd + 1, jEnd + 1];
  }
}

function sameLine(expected: string, actual: string, floatTolerance: number): boolean {
  if (expected === actual) return true;
  const [wordsLeft, wordsRight] = [expected.matchAll(/\S+/g), actual.matchAll(/\S+/g)];
  for (;;) {
    const [left, right] = [wordsLeft.next(), wordsRight.next()];
    if (left.done === true || right.done === true) return left.done === right.done;
    const [a, b] = [left.value[0], right.value[0]];
    if (a !== b && !sameNumber(a, b, floatTolerance)) return false;
  }
}

interface Decimal {
  readonly negative: boolean;
  /** Without leading and trailing zeros; "" is zero. */
  readonly digits: string;
  /** The value is 0.digits · 10^exponent. */
  readonly exponent: number;
  readonly isInteger: boolean;
}

/**
 * Whether two words are the same number: exactly (0.50 and 0.5, 1e3 and 1000), or, where one of them is written as a decimal, within
 * `tolerance` of each other; relative to `expected` where that is the decimal, so that large integers stay exact.
 */
export function sameNumber(expected: string, actual: string, tolerance: number): boolean {
  const [a, b] = [readDecimal(expected), readDecimal(actual)];
  if (a === undefined || b === undefined) return false;
  if (a.digits === b.digits && (a.digits === "" || (a.exponent === b.exponent && a.negative === b.negative))) return true;
  if (tolerance === 0 || (a.isInteger && b.isInteger)) return false;
  const [x, y] = [Number(expected), Number(actual)];
  const difference = Math.abs(x - y);
  return Number.isFinite(difference) && difference <= tolerance * (a.isInteger ? 1 : Math.max(1, Math.abs(x)));
}

function readDecimal(word: string): Decimal | undefined {
  if (word.length > MAX_NUMBER_CHARS) return undefined;
  const match = NUMBER.exec(word);
  if (match === null) return undefined;
  const [, sign, whole = "", point, fraction = "", power] = match;
  if (whole === "" && fraction === "") return undefined;
  const all = whole + fraction;
  const leading = /^0*/.exec(all)![0].length;
  return {
    negative: sign === "-",
    digits: all.slice(leading).replace(/0+$/, ""),
    exponent: whole.length - leading + Number(power ?? 0),
    isInteger: point === undefined && power === undefined,
  };
}
