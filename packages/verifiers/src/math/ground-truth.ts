// The gold: one answer as text, or several accepted ones as a list or a JSON list.
import { extractGold } from "./extract/extract-gold.ts";
import { MAX_ACCEPTED_ANSWERS, MAX_GROUND_TRUTH_CHARS } from "./limits.ts";
import { parseAnswer } from "./syntax/parse-answer.ts";
import type { ParsedAnswer } from "./syntax/parse-answer.ts";

/** Accepted answers, or why there are none. */
export type GroundTruth =
  | { readonly valid: true; readonly accepted: readonly ParsedAnswer[] }
  | { readonly valid: false; readonly reason: string };

/**
 * Reads a math ground truth: a string, a list of strings, or a string that holds a JSON list of strings.
 * A bracketed text whose items are bare numbers (`[1, 3]`) is an answer itself, an interval. Never throws.
 */
export function parseGroundTruth(groundTruth: unknown): GroundTruth {
  const texts = acceptedTexts(groundTruth);
  if (typeof texts === "string") return { valid: false, reason: texts };
  const accepted: ParsedAnswer[] = [];
  for (const text of texts) {
    const answer = parseAnswer(extractGold(text));
    if (answer === undefined) return { valid: false, reason: "an accepted answer is blank, too long or has unbalanced braces" };
    if (answer.expression === undefined && !/[\p{L}]{2}/u.test(text))
      return { valid: false, reason: "an accepted answer is neither mathematics nor words" };
    accepted.push(answer);
  }
  return { valid: true, accepted };
}

/** The list of accepted texts, or a sentence saying what is wrong. */
function acceptedTexts(groundTruth: unknown): readonly string[] | string {
  if (typeof groundTruth !== "string")
    return Array.isArray(groundTruth) ? checkList(groundTruth) : "neither a string nor a list of strings";
  if (groundTruth.length > MAX_GROUND_TRUTH_CHARS) return `longer than ${MAX_GROUND_TRUTH_CHARS} characters`;
  const text = groundTruth.trim();
  if (!text.startsWith("[")) return [text];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not JSON: an interval such as [1,\infty), unless it opens like a list of strings.
    return /^\[\s*"/.test(text) ? "a JSON list that does not parse" : [text];
  }
  const list = parsed as unknown[];
  return list.length > 0 && list.every((item) => typeof item === "number") ? [text] : checkList(list);
}

function checkList(list: readonly unknown[]): readonly string[] | string {
  if (list.length === 0) return "an empty list";
  if (list.length > MAX_ACCEPTED_ANSWERS) return `a list of more than ${MAX_ACCEPTED_ANSWERS} answers`;
  return list.every((item) => typeof item === "string") ? list : "a list that holds something else than strings";
}
