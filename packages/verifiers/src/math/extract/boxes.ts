// \boxed{...} and \fbox{...}, with whatever braces they hold.
import { joinLast } from "./passage.ts";
import type { Passage } from "./passage.ts";

const BOXES = ["\\boxed", "\\fbox"];

/**
 * The outermost boxes of `text` whose braces balance, in order; escaped braces do not count. One pass with a stack of open braces: a
 * thousand unclosed boxes cost no more than one.
 */
export function boxes(text: string): Passage[] {
  /** For each open brace the box that it belongs to, undefined for any other. */
  const open: ({ start: number; content: number } | undefined)[] = [];
  const found: Passage[] = [];
  const from = firstBox(text);
  for (let i = from; i >= 0 && i < text.length; i++) {
    const char = text[i]!;
    if (char === "\\") {
      const brace = boxBrace(text, i);
      if (brace < 0) i++;
      else {
        open.push({ start: i, content: brace + 1 });
        i = brace;
      }
    } else if (char === "{") open.push(undefined);
    else if (char === "}") {
      const box = open.pop();
      if (box === undefined) continue;
      while (found.length > 0 && found.at(-1)!.start > box.start) found.pop();
      found.push({ content: text.slice(box.content, i), start: box.start, end: i + 1 });
    }
  }
  return found;
}

function firstBox(text: string): number {
  const starts = BOXES.map((box) => text.indexOf(box)).filter((at) => at >= 0);
  return starts.length === 0 ? -1 : Math.min(...starts);
}

/** Position of the brace of a `\boxed {` that begins at `at`, or -1. At most one blank stands before the brace. */
function boxBrace(text: string, at: number): number {
  const box = BOXES.find((name) => text.startsWith(name, at));
  if (box === undefined) return -1;
  const brace = text[at + box.length] === " " ? at + box.length + 1 : at + box.length;
  return text[brace] === "{" ? brace : -1;
}

/** Content of the last outermost `\boxed{...}`; undefined where there is none. */
export function lastBoxed(text: string): string | undefined {
  return boxes(text).at(-1)?.content;
}

/** The last box, together with those right before it that list further parts of the answer. */
export function boxedAnswer(text: string): Passage | undefined {
  return joinLast(text, boxes(text));
}
