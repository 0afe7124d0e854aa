// LaTeX, or mathematics typed as plain text, into tokens in one spelling. One pass, no recursion.
import { MAX_BRACE_DEPTH } from "../limits.ts";
import { DROPPED, DROPPED_WITH_ARGUMENT, LETTER_STYLES, SPACES, SYNONYMS, TEXT_COMMANDS, WORD_COMMANDS } from "./spelling.ts";
import { basedDigitsEnd, joinThousands, readNumber } from "./lex-number.ts";
import { splitLetters } from "./lex-letters.ts";
import type { Token, TokenKind } from "./tokens.ts";

/** Delimiters that `\left`, `\right` tell to be opening or closing, though the character does not. */
const SIDED: Readonly<Record<string, readonly [string, string]>> = {
  "|": ["\\lvert", "\\rvert"],
  "\\lVert": ["\\lVert", "\\rVert"],
};

/** Environments in which `&` separates cells; elsewhere it only aligns. */
const ALIGNED = /matrix|array|tabular|cases/;

/**
 * Tokens of `latex` (cleaned by `cleanLatex`), or undefined where its braces do not balance or nest too deep.
 * Braces stay as tokens `{`, `}`; a set's are `\{`, `\}`.
 */
export function lex(latex: string): Token[] | undefined {
  if (!bracesBalance(latex)) return undefined;
  const out: Token[] = [];
  let spaced = false;
  const environments: string[] = [];
  const push = (kind: TokenKind, value: string): void => {
    out.push({ kind, value, spaced });
    spaced = false;
  };

  for (let i = 0; i < latex.length;) {
    const char = latex[i]!;
    let basedEnd: number | undefined;
    if (char === " " || char === "\n" || char === "\t" || char === "\r") {
      spaced = true;
      i++;
    } else if ((basedEnd = basedDigitsEnd(latex, i)) !== undefined) {
      push("number", latex.slice(i, basedEnd));
      i = basedEnd;
    } else if (isDigit(char) || (char === "." && isDigit(latex[i + 1]))) {
      const number = readNumber(latex, i);
      push(number.repeating ? "repeating" : "number", number.value);
      i = number.end;
    } else if (isLetter(char)) {
      let end = i + 1;
      while (end < latex.length && isLetter(latex[end]!)) end++;
      for (const part of splitLetters(latex.slice(i, end), latex[end], latex[i - 1])) push(part.kind, part.value);
      i = end;
    } else if (char === "\\") {
      const raw = commandAt(latex, i);
      i += raw.length;
      const command = SYNONYMS.get(raw) ?? raw;
      if ((raw === "\\$" || raw === "\\textdollar") && /^\s*[.\d]/.test(latex.slice(i, i + 8))) push("command", "\\$");
      else if (SPACES.has(command) && raw !== "\\!") spaced = true;
      else if (command === "\\left" || command === "\\right") {
        const delimiter = delimiterAt(latex, i);
        i = delimiter.end;
        const value = sided(delimiter.value, command);
        if (value !== ".") push(value.startsWith("\\") ? "command" : "symbol", value);
      } else if (DROPPED_WITH_ARGUMENT.has(command)) i = afterGroup(latex, i);
      else if (DROPPED.has(command)) {
        // A dropped size or style may hold its argument in braces, which stay as a group.
      } else if (TEXT_COMMANDS.has(command)) {
        if (latex[i] === "*") i++;
        const group = groupAt(latex, i);
        if (group === undefined) continue;
        const words = group.content.replaceAll(/[$~]|\\[,;: ]/g, " ").trim();
        if (/[a-zA-Z]/.test(words)) {
          spaced ||= group.content.startsWith(" ");
          pushText(words, command, push);
          i = group.end;
        }
      } else if (LETTER_STYLES.has(command)) {
        const group = groupAt(latex, i);
        if (group !== undefined && /^\s*[a-zA-Z]{2,}\s*$/.test(group.content)) {
          push("text", group.content.trim());
          i = group.end;
        }
      } else if (command === "\\mathbb") {
        const group = groupAt(latex, i);
        const letter = group === undefined ? latex[i] : group.content.trim();
        i = group?.end ?? i + 1;
        push("command", `\\mathbb{${letter ?? ""}}`);
      } else if (command === "\\not") {
        const next = commandOrCharAt(latex, i);
        i = next.end;
        push("command", next.value === "=" ? "\\ne" : next.value === "\\in" ? "\\notin" : `\\not${next.value}`);
      } else if (command === "\\begin" || command === "\\end") {
        const group = groupAt(latex, i);
        if (group === undefined) return undefined;
        i = group.end;
        if (command === "\\begin") environments.push(group.content);
        else environments.pop();
        push("command", `${command}{${group.content.trim().replace("*", "")}}`);
      } else if (command === "\\operatorname") push("command", command);
      else push(command.startsWith("\\") && command.length > 1 ? "command" : "symbol", command);
    } else {
      i++;
      if (char === "$" || char === "~") {
        if (char === "~") spaced = true;
        continue;
      }
      if (char === "." && latex.startsWith("..", i)) {
        push("command", "\\ldots");
        i += 2;
        continue;
      }
      // Python's power.
      if (char === "*" && latex[i] === "*") {
        push("symbol", "^");
        i++;
      } else if (char !== "&" || ALIGNED.test(environments.at(-1) ?? "")) push("symbol", char);
    }
  }
  return joinThousands(out);
}

/** Whether braces balance and nest no deeper than allowed; escaped ones do not count. */
function bracesBalance(latex: string): boolean {
  let depth = 0;
  for (let i = 0; i < latex.length; i++) {
    if (latex[i] === "\\") i++;
    else if (latex[i] === "{" && ++depth > MAX_BRACE_DEPTH) return false;
    else if (latex[i] === "}" && --depth < 0) return false;
  }
  return depth === 0;
}

/** A number and what it counts, or a time of day, inside `\\text`. */
const COUNTED = /^[^\d\s]?\s*(\d[\d,]*(?:\.\d+)?)\s+(?!(?:and|or|to|more|less|than|over)\b)([a-zA-Z][^\d]*)$/;
const TIME = /^(\d{1,2}):(\d\d)\s*([ap]\.?m\.?)$/i;

function pushText(words: string, command: string, push: (kind: TokenKind, value: string) => void): void {
  const time = TIME.exec(words);
  const counted = time ?? COUNTED.exec(words);
  if (counted === null) return pushWords(words, command, push);
  push("number", counted[1]!.replaceAll(",", ""));
  if (time !== null) {
    push("symbol", ":");
    push("number", time[2]!);
  }
  push("text", counted.at(-1)!);
}

/** Words set upright: a function's name, a connective, or plain text. */
function pushWords(words: string, command: string, push: (kind: TokenKind, value: string) => void): void {
  const name = WORD_COMMANDS.get(words.toLowerCase().replace(/^,\s*/, ""));
  const upright = command === "\\operatorname" || command === "\\mathrm";
  if (name === "\\and" || name === "\\or" || name === "%" || (name !== undefined && upright && words.length > 1))
    push(name === "%" ? "symbol" : "command", name);
  else if (upright && words.length > 2 && command === "\\operatorname") push("command", `\\${words.replaceAll(/[^a-zA-Z]/g, "")}`);
  else push("text", words.replaceAll(/\s+/g, " "));
}

function sided(delimiter: string, command: string): string {
  const pair = SIDED[delimiter];
  return pair === undefined ? delimiter : pair[command === "\\left" ? 0 : 1];
}

function delimiterAt(latex: string, at: number): { value: string; end: number } {
  let start = at;
  while (latex[start] === " ") start++;
  return commandOrCharAt(latex, start);
}

function commandOrCharAt(latex: string, at: number): { value: string; end: number } {
  let start = at;
  while (latex[start] === " ") start++;
  const raw = latex[start] === "\\" ? commandAt(latex, start) : (latex[start] ?? ".");
  return { value: SYNONYMS.get(raw) ?? raw, end: start + raw.length };
}

/** `\name`, or a backslash with the one character after it. */
function commandAt(latex: string, at: number): string {
  let end = at + 1;
  while (end < latex.length && isLetter(latex[end]!)) end++;
  return latex.slice(at, Math.max(end, Math.min(at + 2, latex.length)));
}

/** The braced group at or after blanks at `at`. */
function groupAt(latex: string, at: number): { content: string; end: number } | undefined {
  let start = at;
  while (latex[start] === " ") start++;
  if (latex[start] !== "{") return undefined;
  let depth = 0;
  for (let i = start; i < latex.length; i++) {
    if (latex[i] === "\\") i++;
    else if (latex[i] === "{") depth++;
    else if (latex[i] === "}" && --depth === 0) return { content: latex.slice(start + 1, i), end: i + 1 };
  }
  return undefined;
}

function afterGroup(latex: string, at: number): number {
  return groupAt(latex, at)?.end ?? at;
}

export function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9";
}

function isLetter(char: string): boolean {
  return (char >= "a" && char <= "z") || (char >= "A" && char <= "Z");
}
