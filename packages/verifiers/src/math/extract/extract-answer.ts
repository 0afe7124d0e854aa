// Where the answer stands in a response: after the thinking, in the last box, else where it is announced, else at the end. Linear time.
import { MAX_SEARCHED_CHARS } from "../limits.ts";
import type { MathPolicy } from "../policy.ts";
import { announcedAnswer } from "./announcements.ts";
import { bareAnswer } from "./bare.ts";
import { boxedAnswer } from "./boxes.ts";
import { textAfterThinking } from "./thinking.ts";

/** Text found, or why there is none. `answer` is untrimmed LaTeX. */
export type Extraction =
  | { readonly found: true; readonly answer: string; readonly source: "boxed" | "announced" | "bare" }
  | { readonly found: false; readonly reason: "thinking-not-closed" | "no-answer-found" };

/**
 * The answer's text in `response`; looks only at the text that `policy.thinking` allows. A box beats an announcement, except "the final
 * answer is" after the last box. Never throws.
 */
export function extractAnswer(response: string, policy: MathPolicy): Extraction {
  const visible = textAfterThinking(response, policy.thinking);
  if (visible === undefined) return { found: false, reason: "thinking-not-closed" };
  const text = visible.slice(-MAX_SEARCHED_CHARS);
  const boxed = boxedAnswer(text);
  const announced = announcedAnswer(text);
  if (boxed !== undefined && !(announced?.final === true && announced.passage.start > boxed.end))
    return { found: true, answer: boxed.content, source: "boxed" };
  if (announced !== undefined) return { found: true, answer: announced.passage.content, source: "announced" };
  const bare = policy.bareAnswer === "accept" ? bareAnswer(text) : undefined;
  return bare === undefined ? { found: false, reason: "no-answer-found" } : { found: true, answer: bare, source: "bare" };
}
