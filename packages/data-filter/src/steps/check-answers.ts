// Stated answers that the reference solution does not come to.
import { gradeMath } from "@longcot/verifiers";
import type { Drop } from "../store/problem-store.ts";
import { forEachProblem, type FilterStep } from "./filter-step.ts";

/**
 * Drops math problems whose reference solution ends in another answer than the one stated; one without a solution or whose solution states no
 * answer stays, and is counted. Source: arXiv 2505.22312 §6.1.
 */
export function checkAnswers(): FilterStep {
  return {
    name: "answers",
    options: {},
    async run(context) {
      const dropped: Drop[] = [];
      const seen = { agree: 0, without_solution: 0, without_answer: 0 };
      await forEachProblem(context, "answers", ["row", "ability", "groundTruth", "solution"], ({ row, ability, groundTruth, solution }) => {
        if (ability !== "math") return;
        if (solution === null || solution.trim() === "") {
          seen.without_solution++;
          return;
        }
        const { outcome, extracted } = gradeMath({ response: solution, groundTruth: groundTruth! }, { bareAnswer: "refuse" });
        if (outcome === "correct") seen.agree++;
        else if (outcome === "wrong")
          dropped.push({
            row,
            kind: "answer-disagrees",
            detail: `the solution comes to ${extracted ?? "another answer"}, stated is ${groundTruth!}`,
          });
        else seen.without_answer++;
      });
      return { dropped, facts: seen };
    },
  };
}
