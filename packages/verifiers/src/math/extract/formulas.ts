// Formulas in running text: $...$, $$...$$, \(...\), \[...\]. Linear time.
import type { Passage } from "./passage.ts";

const CLOSERS: Readonly<Record<string, string>> = { "\\(": "\\)", "\\[": "\\]" };

/** The formulas of `text` in order. A dollar sign that is money opens none. */
export function formulas(text: string): Passage[] {
  const found: Passage[] = [];
  /** Closers that do not come again: not searched twice. */
  const absent = new Set<string>();
  let i = 0;
  while (i < text.length) {
    const opener = openerAt(text, i);
    if (opener === undefined) {
      i += text[i] === "\\" ? 2 : 1;
      continue;
    }
    const closer = CLOSERS[opener] ?? opener;
    const start = i + opener.length;
    const end = absent.has(closer) ? -1 : closerAt(text, closer, start);
    if (end < 0) {
      absent.add(closer);
      i = start;
      continue;
    }
    const content = text.slice(start, end);
    if (content.trim() === "" || (opener === "$" && isMoney(content, text[end + 1]))) {
      i = start;
      continue;
    }
    found.push({ content, start: i, end: end + closer.length });
    i = end + closer.length;
  }
  return found;
}

function openerAt(text: string, at: number): string | undefined {
  if (text[at] === "$") return text[at + 1] === "$" ? "$$" : "$";
  const two = text.slice(at, at + 2);
  return Object.hasOwn(CLOSERS, two) ? two : undefined;
}

function closerAt(text: string, closer: string, from: number): number {
  let at = text.indexOf(closer, from);
  while (at > 0 && text[at - 1] === "\\" && closer.startsWith("$")) at = text.indexOf(closer, at + 1);
  return at;
}

/** `$5 and $6`: an amount, words, and the next amount; formulas rarely hold a word and no command. */
function isMoney(content: string, next: string | undefined): boolean {
  if (content.includes("\n\n")) return true;
  const amount = /^\d[\d,.]*\s/.test(content) && /\s[a-zA-Z]{2,}\s/.test(content) && !content.includes("\\");
  return amount || (next !== undefined && /\d/.test(next) && /^\d[\d,.]*\b.*\s$/.test(content));
}
