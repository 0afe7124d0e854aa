// Where the answer stands in a response: after the thinking, in the last box, else where it is announced. Linear time.
import type { MathPolicy } from "./policy.ts";

const THINK_OPEN = "<think>";
const THINK_CLOSE = "</think>";
const BOX = "\\boxed";
/** Phrases that announce an answer; the one that ends last wins. No repetition in it, so that it scans in linear time. */
const ANNOUNCEMENT = /(?:final|the) answer is|answer:/gi;

/** Text found, or why there is none. `answer` is untrimmed LaTeX. */
export type Extraction =
  | {
      readonly found: true;
      readonly answer: string;
      readonly source: "boxed" | "announced" | "last-line";
    }
  | { readonly found: false; readonly reason: "thinking-not-closed" | "no-answer-found" };

/** The answer's text in `response`; looks only at the text that `policy.thinking` allows. Never throws. */
export function extractAnswer(response: string, policy: MathPolicy): Extraction {
  const visible = textAfterThinking(response, policy.thinking);
  if (visible === undefined) return { found: false, reason: "thinking-not-closed" };
  const boxed = lastBoxed(visible);
  if (boxed !== undefined) return { found: true, answer: boxed, source: "boxed" };
  const announced = lastAnnounced(visible);
  if (announced !== undefined) return { found: true, answer: announced, source: "announced" };
  const line = policy.bareAnswer === "last-line" ? lastLine(visible) : undefined;
  if (line !== undefined) return { found: true, answer: line, source: "last-line" };
  return { found: false, reason: "no-answer-found" };
}

/** The part of `response` outside its reasoning, or undefined while the reasoning is still open. */
export function textAfterThinking(response: string, thinking: MathPolicy["thinking"]): string | undefined {
  if (thinking === "ignored") return response;
  const close = response.lastIndexOf(THINK_CLOSE);
  if (close < 0 && thinking === "required") return undefined;
  const visible = close < 0 ? response : response.slice(close + THINK_CLOSE.length);
  return visible.includes(THINK_OPEN) ? undefined : visible;
}

/**
 * Content of the last outermost `\boxed{...}` whose braces balance; escaped braces do not count.
 * One pass with a stack of open braces: a thousand unclosed boxes cost no more than one.
 */
export function lastBoxed(text: string): string | undefined {
  /** Start of the content for a box's brace, -1 for any other. */
  const open: number[] = [];
  const boxes: { start: number; end: number }[] = [];
  for (let i = text.indexOf(BOX); i >= 0 && i < text.length; i++) {
    const char = text[i]!;
    if (char === "\\") {
      const brace = boxBrace(text, i);
      if (brace < 0) i++;
      else {
        open.push(brace + 1);
        i = brace;
      }
    } else if (char === "{") open.push(-1);
    else if (char === "}") {
      const start = open.pop();
      if (start === undefined || start < 0) continue;
      while (boxes.length > 0 && boxes.at(-1)!.start > start) boxes.pop();
      boxes.push({ start, end: i });
    }
  }
  const last = boxes.at(-1);
  return last === undefined ? undefined : text.slice(last.start, last.end);
}

/** Position of the brace of a `\boxed {` that begins at `at`, or -1. At most one blank stands before the brace. */
function boxBrace(text: string, at: number): number {
  if (!text.startsWith(BOX, at)) return -1;
  const brace = text[at + BOX.length] === " " ? at + BOX.length + 1 : at + BOX.length;
  return text[brace] === "{" ? brace : -1;
}

/** What follows the last announcement: inside `$...$` if it starts with one, else up to the end of the sentence or line. */
function lastAnnounced(text: string): string | undefined {
  let end = -1;
  for (const match of text.matchAll(ANNOUNCEMENT)) end = match.index + match[0].length;
  if (end < 0) return undefined;
  let start = end;
  while (start < text.length && " *:".includes(text[start]!)) start++;
  if (text[start] === "$") {
    const opening = text[start + 1] === "$" ? 2 : 1;
    const close = text.indexOf("$", start + opening);
    return close < 0 ? undefined : nonBlank(text.slice(start + opening, close));
  }
  return nonBlank(text.slice(start, sentenceEnd(text, start)));
}

/** First line end, or full stop that does not stand inside a number, at or after `start`. */
function sentenceEnd(text: string, start: number): number {
  for (let i = start; i < text.length; i++) {
    if (text[i] === "\n") return i;
    if (text[i] === "." && (i + 1 === text.length || " \n*".includes(text[i + 1]!))) return i;
  }
  return text.length;
}

function lastLine(text: string): string | undefined {
  const trimmed = text.trimEnd();
  return nonBlank(trimmed.slice(trimmed.lastIndexOf("\n") + 1));
}

function nonBlank(text: string): string | undefined {
  const bare = text.replaceAll("*", "").trim();
  return bare === "" ? undefined : bare;
}
