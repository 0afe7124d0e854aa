// Inputs made to cost as much as they can get verdicts; that these take little time and memory is measured by `pnpm fuzz`.
import { describe, expect, test } from "vitest";
import { GOLDS, HOSTILE, responsesWith } from "../../fixtures/hostile-math.ts";
import { OUTCOMES } from "../outcome.ts";
import { Budget, BudgetSpent } from "./budget.ts";
import { gradeMath } from "./grade-math.ts";
import { MAX_EVALUATION_STEPS } from "./limits.ts";

describe("every hostile answer gets a verdict", () => {
  test.each(Object.keys(HOSTILE))("%s", (name) => {
    const [boxed, , bare] = responsesWith(HOSTILE[name]!);
    for (const response of [boxed!, bare!]) {
      for (const groundTruth of [GOLDS[0]!, GOLDS[1]!, GOLDS[4]!, HOSTILE[name]!])
        expect(OUTCOMES).toContain(gradeMath({ response, groundTruth }).outcome);
    }
  });
});

test("a comparison that would cost too much is a timeout, the same each time", () => {
  const request = { response: `\\boxed{${HOSTILE["limit of limits"]}}`, groundTruth: "x+1" };
  for (let i = 0; i < 3; i++) expect(gradeMath(request)).toMatchObject({ score: 0, outcome: "timeout", rule: "budget-spent" });
});

test("a budget is spent to its last step and no further", () => {
  const budget = new Budget();
  budget.spend(MAX_EVALUATION_STEPS);
  expect(() => budget.spend(1)).toThrow(BudgetSpent);
});

test("what is large but within the bounds is still decided", () => {
  const score = (answer: string, gold: string) => gradeMath({ response: `\\boxed{${answer}}`, groundTruth: gold }).score;
  expect(score("\\frac{1}{2006!}", "\\frac{1}{2004!}")).toBe(0);
  expect(score("\\frac{2006\\cdot2005}{2006!}", "\\frac{1}{2004!}")).toBe(1);
  expect(score("5^{5^{5^{5^5}}}", "5^{5^{5^{5^5}}}+0")).toBe(0);
  expect(score("(10!)!", "(10!)!")).toBe(1);
  expect(score("(9!)!", "(10!)!")).toBe(0);
  expect(score("2^{5^{5^4}}", "2^{5^{5^5}}")).toBe(0);
  expect(score("((((x))))", "x")).toBe(1);
});
