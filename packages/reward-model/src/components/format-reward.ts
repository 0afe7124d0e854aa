// Does a response have the form that was asked for, whatever its answer is worth?
import { lastBoxed, textAfterThinking } from "@longcot/verifiers";
import type { GradedResponses } from "./graded-responses.ts";

/**
 * Returns 1 where a response ends by itself, closes its reasoning exactly once and answers behind it: with a `\boxed{…}` that is not blank for
 * math, with a closed fenced block for code; else 0. Nothing is said of whether the answer is right.
 *
 * Shapes: the result is [rows].
 * Source: the format reward of DeepSeek-R1, arXiv 2501.12948 §2.2.2.
 */
export function formatReward({
  texts,
  truncated,
  abilities,
  thinking,
}: Pick<GradedResponses, "texts" | "truncated" | "abilities" | "thinking">): Float64Array {
  return Float64Array.from(texts, (text, row) => {
    const answer = textAfterThinking(text, thinking);
    if (truncated[row] === true || answer === undefined || text.split("</think>").length > 2) return 0;
    return hasAnswer(answer, abilities[row]!) ? 1 : 0;
  });
}

function hasAnswer(answer: string, ability: "math" | "code"): boolean {
  if (ability === "math") return (lastBoxed(answer) ?? "").trim() !== "";
  return answer.split("\n").filter((line) => line.trimStart().startsWith("```")).length >= 2;
}
