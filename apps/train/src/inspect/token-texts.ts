// A response's tokens as pieces of text that can be printed one by one. A character may take several tokens, and a token's text may depend on
// the one before it; what a model writes may hold escape sequences, which a terminal must never get.
import type { Tokenizer } from "@longcot/language-model";

/** The text of tokens `from` (included) to `to` (excluded). */
export interface TokenText {
  from: number;
  to: number;
  text: string;
}

/** Tokens that may make up one character: no UTF-8 character has more bytes. */
const MOST_TOKENS_A_CHARACTER = 4;
const REPLACEMENT = "\uFFFD";

/** The pieces of `tokens` in order; together they cover all of them. */
export function tokenTexts(tokenizer: Tokenizer, tokens: ArrayLike<number>): TokenText[] {
  const pieces: TokenText[] = [];
  for (let from = 0, to = 1; from < tokens.length; to++) {
    const before = from === 0 ? [] : [tokens[from - 1]!];
    const own = Array.from({ length: to - from }, (_, i) => tokens[from + i]!);
    const context = tokenizer.decode(before);
    const text = tokenizer.decode([...before, ...own]).slice(context.length);
    if (text.includes(REPLACEMENT) && to < tokens.length && to - from < MOST_TOKENS_A_CHARACTER) continue;
    pieces.push({ from, to, text });
    from = to;
  }
  return pieces;
}

/** `text` with every control character but the line feed as its picture, so that it cannot steer a terminal. */
export function withoutControls(text: string): string {
  return text.replaceAll(/(?!\n)[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, (control) => {
    const code = control.codePointAt(0)!;
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : code === 0x7f ? "\u2421" : REPLACEMENT;
  });
}
