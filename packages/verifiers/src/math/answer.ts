// An answer ready for comparison: its tokens and, when it is a number literal, its exact value.
import { latexTokens } from "./latex-tokens.ts";
import { MAX_ANSWER_CHARS } from "./limits.ts";
import { parseNumber, type NumberLiteral } from "./number.ts";

export interface Answer {
  /** LaTeX tokens in one spelling, without a full stop at the end. */
  readonly tokens: readonly string[];
  readonly number: NumberLiteral | undefined;
}

/** The answer that `text` writes, or undefined when it is blank, too long or has unbalanced braces. */
export function parseAnswer(text: string): Answer | undefined {
  if (text.length > MAX_ANSWER_CHARS) return undefined;
  const tokens = latexTokens(text);
  if (tokens === undefined) return undefined;
  if (tokens.at(-1) === ".") tokens.pop();
  return tokens.length === 0 ? undefined : { tokens, number: parseNumber(tokens) };
}
