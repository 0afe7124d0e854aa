import { expect, test } from "vitest";
import { consensusAtK } from "./consensus.ts";

const isSame = (a: string, b: string) => Number(a) === Number(b);

test.each<[string, (string | undefined)[], number[], number]>([
  ["the majority is right", ["5", "7", "5.0"], [1, 0, 1], 1],
  ["the majority is wrong", ["5", "7", "7.0"], [1, 0, 0], 0],
  ["a tie goes to the class that came first", ["7", "5", "5", "7"], [0, 1, 1, 0], 0],
  ["samples without an answer do not vote", [undefined, undefined, "5"], [0, 0, 1], 1],
  ["no answer at all", [undefined, undefined], [0, 0], 0],
])("%s", (_, answers, correct, expected) => {
  expect([...consensusAtK([{ answers, correct }], isSame)]).toEqual([expected]);
});

test("one verdict per answer is needed", () => {
  expect(() => consensusAtK([{ answers: ["1"], correct: [] }], isSame)).toThrow("problems[0].correct must be one per answer (1), got 0");
});

test("votes weigh what they are given", () => {
  const problem = { answers: ["7", "7.0", "5", undefined], correct: [0, 0, 1, 0] };
  const of = (weights: number[]) => [...consensusAtK([{ ...problem, weights }], isSame)];
  expect(of([1, 1, 1, 1])).toEqual([0]);
  expect(of([0.25, 0.25, 0.75, 9])).toEqual([1]);
  expect(() => of([1, 1, 1])).toThrow("problems[0].weights must be one per answer (4), got 3");
  expect(() => of([1, 1, -1, 1])).toThrow("problems[0].weights[2] must be a finite number of 0 or more, got -1");
});
