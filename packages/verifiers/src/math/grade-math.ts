// The outcome verifier for math: response text against accepted answers, 0 or 1. Bounded by counting work, never throws.
import type { Outcome } from "../outcome.ts";
import { Budget, BudgetSpent } from "./budget.ts";
import { compareAnswers } from "./compare/compare.ts";
import type { ComparisonRule } from "./compare/comparison.ts";
import { extractAnswer } from "./extract/extract-answer.ts";
import { parseGroundTruth } from "./ground-truth.ts";
import { DEFAULT_MATH_POLICY, type MathPolicy } from "./policy.ts";
import { parseAnswer } from "./syntax/parse-answer.ts";

/** What is graded. `truncated`: the response was cut at its length cap; absent means it ended by itself. */
export interface MathGradeRequest {
  readonly response: string;
  readonly groundTruth: string | readonly string[];
  readonly truncated?: boolean;
}

/** What decided: a comparison, or the reason why there was none. */
export type MathGradeRule =
  | ComparisonRule
  | "ground-truth"
  | "truncated"
  | "thinking-not-closed"
  | "no-answer-found"
  | "answer-not-readable"
  | "budget-spent";

/** A verdict. `extracted` is the answer's text as the response wrote it; absent where none was found. */
export interface MathGrade {
  readonly score: 0 | 1;
  readonly outcome: Extract<Outcome, "correct" | "wrong" | "no_answer" | "unparseable" | "timeout" | "invalid_ground_truth">;
  readonly extracted?: string;
  readonly rule: MathGradeRule;
}

/**
 * 1 if the answer extracted from `response` equals an accepted one, else 0 with the reason as outcome.
 * A ground truth that cannot be read is `invalid_ground_truth`, whatever the response says: such a problem must leave the data.
 *
 * @example gradeMath({ response: "<think>...</think>So \\boxed{025}.", groundTruth: "25" }) // { score: 1, outcome: "correct", ... }
 */
export function gradeMath(request: MathGradeRequest, policy: Partial<MathPolicy> = {}): MathGrade {
  const rules: MathPolicy = { ...DEFAULT_MATH_POLICY, ...policy };
  const gold = parseGroundTruth(request.groundTruth);
  if (!gold.valid) return { score: 0, outcome: "invalid_ground_truth", rule: "ground-truth" };
  if (request.truncated === true && rules.truncated === "no-answer") return { score: 0, outcome: "no_answer", rule: "truncated" };
  if (typeof request.response !== "string") return { score: 0, outcome: "unparseable", rule: "answer-not-readable" };

  const extraction = extractAnswer(request.response, rules);
  if (!extraction.found) return { score: 0, outcome: "no_answer", rule: extraction.reason };
  const extracted = extraction.answer.trim();
  if (extracted === "") return { score: 0, outcome: "no_answer", rule: "no-answer-found" };
  const answer = parseAnswer(extracted);
  if (answer === undefined) return { score: 0, outcome: "unparseable", rule: "answer-not-readable" };

  const budget = new Budget();
  let rule: MathGradeRule = "spelling";
  try {
    for (const accepted of gold.accepted) {
      const comparison = compareAnswers(accepted, answer, rules, budget);
      if (comparison.equal) return { score: 1, outcome: "correct", extracted, rule: comparison.rule };
      rule = comparison.rule;
    }
  } catch (error) {
    if (!(error instanceof BudgetSpent)) throw error;
    return { score: 0, outcome: "timeout", extracted, rule: "budget-spent" };
  }
  if (answer.expression === undefined) return { score: 0, outcome: "unparseable", extracted, rule: "answer-not-readable" };
  return { score: 0, outcome: "wrong", extracted, rule };
}
