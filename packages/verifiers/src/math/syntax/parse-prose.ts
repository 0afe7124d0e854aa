// Answers in words: `no solution`, `all real numbers`, `Monday`.
import type { Expression } from "./expression.ts";
import { WORD_COMMANDS } from "./spelling.ts";
import { ITALIC_UNITS } from "./units.ts";

const PROSE = /^[A-Za-z][A-Za-z\s',.-]*$/;
const NAMED: readonly [RegExp, Expression][] = [
  [/^(?:all|any|every|the)? ?(?:set of )?(?:all )?real numbers?$|^all reals$|^the reals$/, { kind: "namedSet", name: "R" }],
  [/^(?:the )?empty set$/, { kind: "namedSet", name: "empty" }],
  [/^no (?:real )?solutions?$/, { kind: "namedSet", name: "empty" }],
  [/^(?:positive )?infinity$/, { kind: "constant", name: "infinity" }],
];

/** The words of `text` if it is nothing but words, at least one of three letters that names no function or unit. */
export function parseProse(text: string): Expression | undefined {
  if (!PROSE.test(text)) return undefined;
  const words = text.split(/[\s,.]+/).filter((word) => word !== "");
  const speaks = words.some((word) => word.length >= 3 && !WORD_COMMANDS.has(word.toLowerCase()) && !ITALIC_UNITS.has(word));
  if (!speaks || (words.length === 1 && words[0]!.length < 4)) return undefined;
  return wordsExpression(words.join(" "));
}

/** What words mean, if they are the name of a set; else the words. */
export function wordsExpression(text: string): Expression {
  const lower = text.toLowerCase().trim();
  return NAMED.find(([pattern]) => pattern.test(lower))?.[1] ?? { kind: "text", text };
}
