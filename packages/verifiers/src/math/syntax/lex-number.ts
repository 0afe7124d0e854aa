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
const DOTTED = /\\dot\s*\{?(\d)\}?(\d*)\\dot\s*\{?(\d)\}?/y;

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
  const repeated = repetend(latex, decimals);
  if (repeated !== undefined) return { value: `${value}(${repeated.digits})`, repeating: true, end: repeated.end };
  return { value, repeating: false, end: decimals };
}

/** Whether ` 123` follows as a further group of three digits. */
function plainGroup(latex: string, at: number): boolean {
  return latex[at] === " " && matchAt(THREE_DIGITS, latex, at + 1) !== undefined;
}

function repetend(latex: string, at: number): { digits: string; end: number } | undefined {
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
