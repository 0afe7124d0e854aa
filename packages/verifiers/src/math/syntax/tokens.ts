// What the lexer hands to the parser.

/**
 * - `number`: digits with an optional point, thousands separators already gone
 * - `repeating`: digits, point, digits, then `(`digits`)` that repeat
 * - `letter`: one letter, a variable
 * - `command`: a LaTeX command in its one spelling, or a word that stands for one (`sin`)
 * - `symbol`: any other character
 * - `text`: words, from `\text{...}` or a run of letters that spells no product of variables
 */
export type TokenKind = "number" | "repeating" | "letter" | "command" | "symbol" | "text";

export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
  /** Whether white space, or a command that sets some, stands before it. */
  readonly spaced: boolean;
}

/** One line that two spellings of the same answer share; used where an answer cannot be parsed. */
export function tokenText(tokens: readonly Token[]): string {
  return tokens.map(({ value }) => value).join(" ");
}
