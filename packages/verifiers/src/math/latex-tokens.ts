// LaTeX as tokens: commands whole, everything else a character. Comparing tokens, not text, keeps `\in t` apart from `\int`.
import { MAX_BRACE_DEPTH } from "./limits.ts";

/** Characters that stand for a command or another character. */
const CHARACTERS: ReadonlyMap<string, string> = new Map([
  ["\u2212", "-"],
  ["\u00d7", "\\times"],
  ["\u00b7", "\\cdot"],
  ["\u00f7", "\\div"],
  ["\u03c0", "\\pi"],
  ["\u221e", "\\infty"],
  ["\u2264", "\\le"],
  ["\u2265", "\\ge"],
  ["\u2260", "\\ne"],
  ["\u222a", "\\cup"],
  ["\u2229", "\\cap"],
  ["\u00b1", "\\pm"],
]);

/** Commands with one meaning and several spellings. `\cdot` and `\times` are not among them: on vectors they differ. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ["\\dfrac", "\\frac"],
  ["\\tfrac", "\\frac"],
  ["\\cfrac", "\\frac"],
  ["\\leq", "\\le"],
  ["\\leqslant", "\\le"],
  ["\\geq", "\\ge"],
  ["\\geqslant", "\\ge"],
  ["\\neq", "\\ne"],
  ["\\lt", "<"],
  ["\\gt", ">"],
  ["\\varnothing", "\\emptyset"],
  ["\\lbrace", "\\{"],
  ["\\rbrace", "\\}"],
  ["\\lvert", "|"],
  ["\\rvert", "|"],
  ["\\vert", "|"],
  ["\\degree", "\\circ"],
  ["\\%", "%"],
]);

/** Commands that only set type: their argument stays, the command and its braces go. */
const TYPE_ONLY = new Set([
  "\\text",
  "\\textbf",
  "\\textit",
  "\\textrm",
  "\\mathrm",
  "\\mathbf",
  "\\mathit",
  "\\mbox",
  "\\boxed",
  "\\operatorname",
]);

/** Commands and characters without meaning: spaces, math delimiters, sizes. */
const DROPPED = new Set([
  "\\left",
  "\\right",
  "\\displaystyle",
  "\\(",
  "\\)",
  "\\[",
  "\\]",
  "$",
  "\\big",
  "\\Big",
  "\\bigl",
  "\\bigr",
  "\\!",
]);
const SPACES = new Set(["\\,", "\\;", "\\:", "\\>", "\\ ", "\\quad", "\\qquad", "~", "\\enspace", "\\thinspace"]);

/** Stands in the token list where a space separates two digits, so that `1 2` is not `12`. */
export const DIGIT_GAP = " ";

/**
 * Tokens of `latex` in one spelling, or undefined where its braces do not balance or nest too deep.
 * A degree sign comes out as `^`, `\circ` however it was written; braces around a single token are dropped.
 */
export function latexTokens(latex: string): string[] | undefined {
  const out: string[] = [];
  /** For each open brace: where its content starts in `out`; -1 for a brace that is dropped. */
  const open: number[] = [];
  let gap = false;
  let dropNextBrace = false;
  for (let i = 0; i < latex.length;) {
    const raw = tokenAt(latex, i);
    i += raw.length;
    const token = SYNONYMS.get(raw) ?? CHARACTERS.get(raw) ?? raw;
    if (SPACES.has(token) || token.trim() === "") gap = true;
    else if (DROPPED.has(token)) {
      if ((token === "\\left" || token === "\\right") && latex[i] === ".") i++;
    } else if (TYPE_ONLY.has(token)) dropNextBrace = true;
    else if (token === "{") {
      if (open.length >= MAX_BRACE_DEPTH) return undefined;
      if (!dropNextBrace) out.push("{");
      open.push(dropNextBrace ? -1 : out.length);
      dropNextBrace = false;
    } else if (token === "}") {
      const start = open.pop();
      if (start === undefined) return undefined;
      if (start >= 0) closeGroup(out, start);
      gap = false;
      dropNextBrace = false;
    } else {
      if (gap && isDigit(token) && out.length > 0 && isDigit(out.at(-1)!)) out.push(DIGIT_GAP);
      if (token === "\u00b0") out.push("^", "\\circ");
      else out.push(token);
      gap = false;
      dropNextBrace = false;
    }
  }
  return open.length === 0 ? out : undefined;
}

/** The command or character at `at`; a character outside the basic plane stays whole. */
function tokenAt(text: string, at: number): string {
  if (text[at] !== "\\") return String.fromCodePoint(text.codePointAt(at)!);
  let end = at + 1;
  while (end < text.length && isLetter(text[end]!)) end++;
  return text.slice(at, Math.max(end, Math.min(at + 2, text.length)));
}

/** Ends the group whose content begins at `start`: `{x}` becomes `x`, `{}` and longer groups keep their braces. */
function closeGroup(out: string[], start: number): void {
  if (out.length - start === 1) out.splice(start - 1, 1);
  else out.push("}");
}

export function isDigit(token: string): boolean {
  return token.length === 1 && token >= "0" && token <= "9";
}

function isLetter(char: string): boolean {
  return (char >= "a" && char <= "z") || (char >= "A" && char <= "Z");
}
