import { expect, test } from "vitest";
import { bestOfN } from "./best-of-n.ts";

test("the sample of the highest score counts, of equal ones the first", () => {
  const problems = [
    { scores: [0.1, 3, -2], correct: [0, 1, 0] },
    { scores: [0.1, 3, -2], correct: [true, false, true] },
    { scores: [1, 1], correct: [0, 1] },
  ];
  expect([...bestOfN(problems)]).toEqual([1, 0, 0]);
});

test("no samples, a missing verdict or a score that is not finite is an error", () => {
  expect(() => bestOfN([{ scores: [], correct: [] }])).toThrow("problems[0].correct must be one per score (0), at least one, got 0");
  expect(() => bestOfN([{ scores: [1], correct: [] }])).toThrow("one per score (1), at least one, got 0");
  expect(() => bestOfN([{ scores: [1, NaN], correct: [1, 0] }])).toThrow("problems[0].scores[1] must be a finite number, got NaN");
});
