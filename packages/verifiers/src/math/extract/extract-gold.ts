// The answer in a ground truth: data sets give it bare, between dollar signs, in a box, or at the end of a worked solution.
import { announcedAnswer } from "./announcements.ts";
import { boxedAnswer } from "./boxes.ts";
import { formulas } from "./formulas.ts";
import { joinLast } from "./passage.ts";

/** Words around a formula, up to this many characters, are part of the answer: `$5$ apples`. */
const LONGEST_ANSWER = 80;

export function extractGold(text: string): string {
  const boxed = boxedAnswer(text);
  if (boxed !== undefined) return boxed.content;
  const trimmed = text.trim();
  const all = formulas(trimmed);
  const joined = joinLast(trimmed, all);
  if (joined !== undefined && joined.start === 0 && /^[\s.%\\]*$/.test(trimmed.slice(joined.end))) return joined.content;
  if (trimmed.length <= LONGEST_ANSWER && !/answers?\b|####/i.test(trimmed)) return trimmed;
  return announcedAnswer(trimmed)?.passage.content ?? (trimmed.includes("\n") && joined !== undefined ? joined.content : trimmed);
}
