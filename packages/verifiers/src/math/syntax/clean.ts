// LaTeX as models write it, made LaTeX as it is meant: one alphabet, no doubled backslashes. Linear time.
import { latexOfCharacter } from "./spelling.ts";

/** `text` in ASCII where a character has a LaTeX spelling, with backslashes that were escaped twice repaired. */
export function cleanLatex(text: string): string {
  return unescapeTwice(toAscii(text)).replaceAll("{}^", "^").trim();
}

function toAscii(text: string): string {
  // eslint-disable-next-line no-control-regex -- a tab, form feed or backspace is what is left of \text, \frac, \boxed in a string that was unescaped once too often
  if (!/[^\x20-\x7e]/.test(text)) return text;
  let out = "";
  for (const char of text) {
    if (char <= "\u007f") out += char;
    else out += latexOfCharacter(char) ?? char;
  }
  return out.replaceAll("\text{", "\\text{").replaceAll("\frac", "\\frac").replaceAll("\times", "\\times").replaceAll("\theta", "\\theta");
}

/**
 * `\\frac` is `\frac` unless rows are broken by `\\`: inside an environment a doubled backslash before letters may be a row break
 * followed by a name, so there only a doubled `\\begin` shows that everything was escaped twice.
 */
function unescapeTwice(text: string): string {
  if (!text.includes("\\\\")) return text;
  if (/\\\\begin\s*\{/.test(text) && !/(^|[^\\])\\begin\s*\{/.test(text)) return text.replaceAll("\\\\", "\\");
  if (text.includes("\\begin")) return text;
  return text.replaceAll(/\\\\(?=[a-zA-Z{}%])/g, "\\");
}
