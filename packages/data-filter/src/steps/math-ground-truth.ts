// Ground truths of math problems: an answer, or a JSON list of accepted ones, that the verifier can read.
import { parseGroundTruth } from "@longcot/verifiers";
import type { Fault } from "./check-schema.ts";

/** Answers that say there is none. Source: NuminaMath-1.5's column `answer`. */
const NO_ANSWER = new Set(["proof", "notfound", "not found", "none", "n/a"]);

/**
 * The fault of a math ground truth.
 * @param answersAreLists other rows hold JSON lists: plain text is then wrapped in one, if it can be read.
 */
export function checkMathAnswer(text: string, answersAreLists: boolean): Fault | undefined {
  const value = parseJson(text);
  if (!Array.isArray(value)) {
    if (NO_ANSWER.has(text.trim().toLowerCase())) return { kind: "no-answer", detail: `the ground truth is ${JSON.stringify(text)}` };
    if (!parseGroundTruth(text).valid)
      return {
        kind: answersAreLists ? "ground-truth-not-json" : "ground-truth-unreadable",
        detail: `no answer can be read from ${quoted(text)}`,
      };
    if (!answersAreLists) return undefined;
    return {
      kind: "ground-truth-not-json",
      detail: `${quoted(text)} is no JSON list of answers, as others are: made one`,
      groundTruth: JSON.stringify([text.trim()]),
    };
  }
  if (value.length === 0) return { kind: "ground-truth-empty-list", detail: "the list of accepted answers is empty" };
  const blank = value.findIndex((answer) => (typeof answer === "string" ? answer.trim() === "" : answer === null));
  if (blank >= 0) return { kind: "ground-truth-blank", detail: `accepted answer ${blank} is blank` };
  const answers = value.map((answer) => (typeof answer === "number" ? String(answer) : answer));
  if (!answers.every((answer): answer is string => typeof answer === "string"))
    return { kind: "ground-truth-unreadable", detail: `accepted answers must be text, got ${quoted(text)}` };
  const only = answers.length === 1 ? answers[0]!.trim().toLowerCase() : "";
  // `proof` is what the statement's check is for.
  if (only === "proof") return undefined;
  if (NO_ANSWER.has(only)) return { kind: "no-answer", detail: `the ground truth is ${quoted(text)}` };
  const unreadable = answers.find((answer) => !parseGroundTruth(JSON.stringify([answer])).valid);
  if (unreadable !== undefined) return { kind: "ground-truth-unreadable", detail: `no answer can be read from ${quoted(unreadable)}` };
  return value.some((answer) => typeof answer === "number")
    ? { kind: "ground-truth-number", detail: "a number among the accepted answers: made text", groundTruth: JSON.stringify(answers) }
    : undefined;
}

const QUOTED_CHARS = 60;
const quoted = (text: string): string => JSON.stringify(text.length > QUOTED_CHARS ? `${text.slice(0, QUOTED_CHARS)}…` : text);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
