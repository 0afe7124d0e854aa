// Whatever a model writes, the grader gives a verdict. The same with 100,000 inputs, and with times and memory: `pnpm fuzz`.
import fc from "fast-check";
import { expect, test } from "vitest";
import { latexSoup, mutatedLatex } from "../../fixtures/latex-arbitraries.ts";
import { OUTCOMES } from "../outcome.ts";
import { gradeMath } from "./grade-math.ts";

function expectVerdict(response: string, groundTruth: string): void {
  const grade = gradeMath({ response, groundTruth });
  expect(OUTCOMES).toContain(grade.outcome);
  expect(grade.score === 1).toBe(grade.outcome === "correct");
}

test("random LaTeX, as response and as ground truth", () => {
  fc.assert(
    fc.property(latexSoup, latexSoup, fc.boolean(), (a, b, boxed) => expectVerdict(boxed ? `\\boxed{${a}}` : a, b)),
    { seed: 21, numRuns: 1_000 },
  );
});

test("mutated LaTeX, as response and as ground truth", () => {
  fc.assert(
    fc.property(mutatedLatex, mutatedLatex, (a, b) => expectVerdict(`\\boxed{${a}}`, b)),
    { seed: 22, numRuns: 1_000 },
  );
});
