// A stretch of a text that may be its answer.

export interface Passage {
  /** What it says, without the delimiters around it. */
  readonly content: string;
  readonly start: number;
  readonly end: number;
}

/** What may stand between two parts of one answer: a comma, `and`, `or`, and the delimiters of formulas. */
const BETWEEN_PARTS = /^[\s$,;.:&*]*(?:\\[()[\]]|\\(?:quad|qquad|,|;| )|\\text\{\s*(?:and|or)\s*\}|and|or|[\s$,;&*])*$/;
const LONGEST_BETWEEN = 40;
/** A percent sign or degree sign behind the delimiter belongs to the number before it. */
const SUFFIX = /^[\s$]*(?:\\\)|\\\])?\s*(\\?%|percent|\^\s*\\circ|\^\s*\{\s*\\circ\s*\}|°)/;

/** The passages at the end of `passages` that are parts of one answer, joined by commas. */
export function joinLast(text: string, passages: readonly Passage[]): Passage | undefined {
  let first = passages.at(-1);
  if (first === undefined) return undefined;
  const last = first;
  const parts = [last.content + suffixOf(text, last.end)];
  for (let i = passages.length - 2; i >= 0; i--) {
    const previous = passages[i]!;
    if (first.start - previous.end > LONGEST_BETWEEN || !BETWEEN_PARTS.test(text.slice(previous.end, first.start))) break;
    const part = previous.content + suffixOf(text, previous.end);
    if (part.trim() !== parts[0]!.trim()) parts.unshift(part);
    first = previous;
  }
  return { content: parts.join(", "), start: first.start, end: last.end };
}

function suffixOf(text: string, end: number): string {
  const suffix = SUFFIX.exec(text.slice(end, end + 20))?.[1];
  return suffix === undefined ? "" : suffix.includes("%") || suffix === "percent" ? "\\%" : "^{\\circ}";
}
