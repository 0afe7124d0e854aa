// The answer of a response that neither boxes nor announces it: the response itself, its last formula, or its last number.
import { parseAnswer } from "../syntax/parse-answer.ts";
import { WORD_COMMANDS } from "../syntax/spelling.ts";
import { ITALIC_UNITS } from "../syntax/units.ts";
import { formulas } from "./formulas.ts";
import { joinLast } from "./passage.ts";

/** A response no longer than this, on one line, may be nothing but the answer. */
const LONGEST_BARE = 300;
const FRACTION = /-?\\[dt]?frac\s?\{[^{}]{1,60}\}\s?\{[^{}]{1,60}\}/g;
const NUMBER =
  /(?<![\w.])-?(?:\d{1,3}(?:,\d{3}){1,6}|\d{1,15},\d{1,2}(?!\d)|\d{1,400})?(?:\.\d{1,400}|(?<=\d))(?:\s?\/\s?\d{1,100})?\s?%?/g;
const DECIMAL_COMMA = /^-?\d{1,15},\d{1,15}$/;

export function bareAnswer(text: string): string | undefined {
  const trimmed = text.replaceAll("**", "").trim();
  if (trimmed === "") return undefined;
  const all = formulas(trimmed);
  if (all.length === 0 && trimmed.length <= LONGEST_BARE && !trimmed.includes("\n")) {
    if (DECIMAL_COMMA.test(trimmed) && !/,\d{3}$/.test(trimmed)) return trimmed.replace(",", ".");
    const parsed = parseAnswer(trimmed)?.expression;
    if (parsed?.kind === "text" ? !/\s/.test(trimmed) : parsed !== undefined && !isSentence(trimmed)) return trimmed;
  }
  const formula = joinLast(trimmed, all);
  const rest = trimmed.slice(formula?.end ?? 0);
  const number = lastMatch(rest, NUMBER);
  return (
    lastMatch(rest, FRACTION) ??
    (number !== undefined && DECIMAL_COMMA.test(number) && !/,\d{3}$/.test(number) ? number.replace(",", ".") : number) ??
    formula?.content
  );
}

/** Two words that are neither functions nor units make a sentence, whose last number is then the answer. */
function isSentence(text: string): boolean {
  const words = text.match(/[A-Za-z]{2,}/g) ?? [];
  return !text.includes("\\") && words.filter((word) => !WORD_COMMANDS.has(word.toLowerCase()) && !ITALIC_UNITS.has(word)).length >= 2;
}

function lastMatch(text: string, pattern: RegExp): string | undefined {
  let last: string | undefined;
  for (const match of text.matchAll(pattern)) if (/\d/.test(match[0])) last = match[0].trim();
  return last;
}
