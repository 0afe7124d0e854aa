// Statements as token hashes in one flat table: what duplicates and contamination are looked for in. 4 bytes a token.

/** Scripts written without spaces between words: each of their letters is a token of its own. */
const SPACELESS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const LETTER = /[\p{L}\p{M}]/u;
const DIGIT = /\p{N}/u;
/** Blanks, punctuation of prose and math delimiters: no problem hangs on them. A point or comma between digits is kept. */
const IGNORED = /[\s\p{Zs}?;:"$`~{}.,]/u;
/** LaTeX commands that only lay out: `\left(` is `(`. */
const LAYOUT = new Set(["left", "right", "displaystyle", "text", "mathrm", "quad", "qquad", "big", "bigl", "bigr"]);
/** LaTeX commands of one meaning. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ["dfrac", "frac"],
  ["tfrac", "frac"],
  ["cfrac", "frac"],
  ["leq", "le"],
  ["geq", "ge"],
  ["neq", "ne"],
  ["dots", "ldots"],
  ["cdots", "ldots"],
]);
/** Behind a backslash, math delimiters and spaces: `\(`, `\,`. */
const LAYOUT_SIGNS = new Set(Array.from("()[],;:!> ", (character) => character.charCodeAt(0)));
/** Characters that prose and mark-up use as much as mathematics does: they tell no two problems apart. */
const PLAIN = new Set(Array.from("()[]'-|*_#&\\", (character) => character.charCodeAt(0)));
const EXCLAMATION = "!".charCodeAt(0);
const BACKSLASH = "\\".charCodeAt(0);

type Kind = "ignored" | "letter" | "digit" | "single";

function kindOf(character: string): Kind {
  if (IGNORED.test(character)) return "ignored";
  if (DIGIT.test(character)) return "digit";
  if (SPACELESS.test(character)) return "single";
  return LETTER.test(character) ? "letter" : "single";
}

const kinds = new Map<number, Kind>();
function kindAt(code: number): Kind {
  let kind = kinds.get(code);
  if (kind === undefined) kinds.set(code, (kind = kindOf(String.fromCharCode(code))));
  return kind;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
/** The lowest two bits of a token say what it is. */
const CLASS_BITS = 3;
const [WORD, NUMBER, SIGN] = [0, 1, 2];

/** Whether `token` is a number's. */
export const isNumberToken = (token: number): boolean => (token & CLASS_BITS) === NUMBER;
/** Whether `token` is a number's or a sign's (`+`, `=`, `!`), and not a word's: a problem hangs on those. */
export const isFactToken = (token: number): boolean => (token & CLASS_BITS) !== WORD;

/**
 * Appends the tokens of `text` to `out` from `start` and returns their count: words (runs of letters, LaTeX commands), numbers (`3`, `1.5`),
 * and each other character alone. `out` must have room for `text.length` more.
 */
export function tokenizeInto(out: Uint32Array, start: number, text: string): number {
  let count = start;
  /** Where the last word of two letters or more ended. */
  let wordEnd = -1;
  for (let i = 0; i < text.length;) {
    const first = text.charCodeAt(i);
    const kind = kindAt(first);
    let end = i + 1;
    // Behind a word it shouts, behind a number, a variable or a bracket it is a factorial.
    if (first === EXCLAMATION && i === wordEnd) {
      i = end;
      continue;
    }
    let name: string | undefined;
    if (kind === "letter") {
      while (end < text.length && kindAt(text.charCodeAt(end)) === "letter") end++;
      if (end > i + 1) wordEnd = end;
    } else if (kind === "digit") {
      end = numberEnd(text, end);
    } else if (first === BACKSLASH) {
      while (end < text.length && kindAt(text.charCodeAt(end)) === "letter") end++;
      name = text.slice(i + 1, end);
      if (name === "" || LAYOUT.has(name)) {
        i = name === "" && LAYOUT_SIGNS.has(text.charCodeAt(end)) ? end + 1 : end;
        continue;
      }
      name = SYNONYMS.get(name);
    }
    if (kind !== "ignored") {
      let hash = FNV_OFFSET;
      if (name === undefined) for (let at = i; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
      else {
        hash = Math.imul(hash ^ BACKSLASH, FNV_PRIME);
        for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), FNV_PRIME);
      }
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
      const isWord = kind === "letter" || end > i + 1 || PLAIN.has(first) || SPACELESS.test(text[i]!);
      out[count++] = (hash & ~CLASS_BITS) | (kind === "digit" ? NUMBER : isWord ? WORD : SIGN);
    }
    i = end;
  }
  return count - start;
}

/** The end of the number that goes on at `end`: digits, with a point or comma where a digit follows it. */
function numberEnd(text: string, end: number): number {
  while (end < text.length) {
    const code = text.charCodeAt(end);
    const isSeparator = code === 0x2e || code === 0x2c;
    if (isSeparator ? end + 1 === text.length || kindAt(text.charCodeAt(end + 1)) !== "digit" : kindAt(code) !== "digit") break;
    end++;
  }
  return end;
}
