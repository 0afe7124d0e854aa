// Number literals: digits, decimal points, thousands separators, repeating decimals.
import type { Token } from "./tokens.ts";

/** A literal's text without separators, where it ends, and whether its last digits, in parentheses, repeat for ever. */
export interface NumberText {
  readonly value: string;
  readonly repeating: boolean;
  readonly end: number;
}

const THIN_SPACE = /(?: ?\{ ?, ?\}|\\[,;:! ]|~)/y;
const THREE_DIGITS = /\d{3}(?!\d)/y;
const REPEATING = /\\(?:overline|bar|dot)\s*\{(\d+)\}|\((\d+)\)/y;
const CONTINUED = /\s*(?:\.\.\.|\\(?:ldots|dots|cdots)(?![a-zA-Z]))/y;
/** Longer runs of decimals with dots behind them are not searched for a period. */
const MOST_WRITTEN_DIGITS = 60;
const DOTTED = /\\dot\s*\{?(\d)\}?(\d*)\\dot\s*\{?(\d)\}?/y;

const BASE_ABOVE_TEN = /\s*_\s*(?:\{\s*1[1-6]\s*\}|16)/y;
const MOST_BASED_DIGITS = 32;

/**
 * Where digits of a base above ten end that begin at `at`: `1A_{16}`, two characters or more, one of them a letter; undefined where there
 * are none. `F_{16}` may be a sequence's term.
 */
export function basedDigitsEnd(latex: string, at: number): number | undefined {
  if (/[A-Za-z\\]/.test(latex[at - 1] ?? "")) return undefined;
  let end = at;
  while (end - at < MOST_BASED_DIGITS && /[\dA-F]/.test(latex[end] ?? "")) end++;
  if (end - at < 2 || matchAt(BASE_ABOVE_TEN, latex, end) === undefined) return undefined;
  return /[A-F]/.test(latex.slice(at, end)) ? end : undefined;
}

/** Reads the literal that starts at `at` with a digit or point. Separators that cannot be anything else (`{,}`, `\,`) are dropped. */
export function readNumber(latex: string, at: number): NumberText {
  let end = digitsEnd(latex, at);
  let value = latex.slice(at, end);
  const groupable = value.length > 0 && value.length <= 3 && value !== "0";
  while (groupable) {
    const separator = matchAt(THIN_SPACE, latex, end) ?? (plainGroup(latex, end) ? " " : undefined);
    if (separator === undefined || matchAt(THREE_DIGITS, latex, end + separator.length) === undefined) break;
    value += latex.slice(end + separator.length, end + separator.length + 3);
    end += separator.length + 3;
  }
  if (latex[end] !== "." || latex.startsWith("..", end)) return { value, repeating: false, end };
  const decimals = digitsEnd(latex, end + 1);
  value += `.${latex.slice(end + 1, decimals)}`;
  const repeated = repetend(latex, decimals) ?? continuedRepetend(latex, end + 1, decimals);
  if (repeated !== undefined) {
    const fixed = value.slice(0, value.length - (repeated.written ?? 0));
    return { value: `${fixed}(${repeated.digits})`, repeating: true, end: repeated.end };
  }
  return { value, repeating: false, end: decimals };
}

/** Whether ` 123` follows as a further group of three digits. */
function plainGroup(latex: string, at: number): boolean {
  return latex[at] === " " && matchAt(THREE_DIGITS, latex, at + 1) !== undefined;
}

interface Repetend {
  readonly digits: string;
  readonly end: number;
  /** How many of the digits before `end` are the repetend written out. */
  readonly written?: number;
}

function repetend(latex: string, at: number): Repetend | undefined {
  const dotted = execAt(DOTTED, latex, at);
  if (dotted !== null) return { digits: `${dotted[1]}${dotted[2]}${dotted[3]}`, end: at + dotted[0].length };
  const match = execAt(REPEATING, latex, at);
  return match === null ? undefined : { digits: match[1] ?? match[2]!, end: at + match[0].length };
}

function digitsEnd(latex: string, at: number): number {
  let end = at;
  while (latex[end]! >= "0" && latex[end]! <= "9") end++;
  return end;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  return execAt(pattern, text, at)?.[0];
}

function execAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** `0.333...`, `0.1666\\ldots`, `0.1212...`: digits written so often that there is no doubt; 2.718281828... is none. */
function continuedRepetend(latex: string, from: number, to: number): Repetend | undefined {
  const dots = matchAt(CONTINUED, latex, to);
  if (dots === undefined || to - from > MOST_WRITTEN_DIGITS) return undefined;
  const digits = latex.slice(from, to);
  for (let period = 1; period * 2 <= digits.length; period++) {
    const block = digits.slice(-period);
    let times = 1;
    while (digits.slice(0, digits.length - period * times).endsWith(block)) times++;
    const isWhole = times * period === digits.length;
    if (times < 2 || (times === 2 && period < 6 && !(isWhole && period > 1))) continue;
    return { digits: block, end: to + dots.length, written: times * period };
  }
  return undefined;
}

/**
 * `1,234,567` outside all brackets is one number if its commas, without spaces, are the only ones there; one that starts with 0,
 * such as `0,125`, has a decimal comma. Elsewhere commas separate.
 */
export function joinThousands(tokens: Token[]): Token[] {
  let depth = 0;
  const commas: number[] = [];
  tokens.forEach(({ value }, i) => {
    if (value === "(" || value === "[" || value === "\\{") depth++;
    else if (value === ")" || value === "]" || value === "\\}") depth--;
    else if (value === "," && depth === 0) commas.push(i);
  });
  const first = commas[0];
  if (first === undefined || !/^\d{1,3}$/.test(tokens[first - 1]?.value ?? "")) return tokens;
  const start = first - 1;
  const groups = commas.map((comma, k) => (comma === first + 2 * k ? tokens[comma + 1] : undefined));
  const last = groups.length - 1;
  const joined = groups.every(
    (group, k) =>
      group?.kind === "number" &&
      !group.spaced &&
      !tokens[first + 2 * k]!.spaced &&
      (k === last ? /^\d{3}(\.\d*)?$/ : /^\d{3}$/).test(group.value),
  );
  if (!joined) return tokens;
  const head = tokens[start]!;
  const digits = groups.map((group) => group!.value);
  const value = head.value === "0" && last === 0 ? `0.${digits[0]}` : head.value + digits.join("");
  return [...tokens.slice(0, start), { ...head, value }, ...tokens.slice(start + 2 * groups.length + 1)];
}
