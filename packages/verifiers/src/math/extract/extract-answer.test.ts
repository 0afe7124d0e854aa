import { describe, expect, test } from "vitest";
import { DEFAULT_MATH_POLICY } from "../policy.ts";
import { lastBoxed } from "./boxes.ts";
import { extractAnswer } from "./extract-answer.ts";
import { textAfterThinking } from "./thinking.ts";

const answer = (response: string, policy = {}) => {
  const extraction = extractAnswer(response, { ...DEFAULT_MATH_POLICY, ...policy });
  return extraction.found ? `${extraction.source}:${extraction.answer}` : extraction.reason;
};

describe("thinking", () => {
  test.each([
    ["a</think>b", "closed-if-opened", "b"],
    ["<think>a</think>b", "closed-if-opened", "b"],
    ["a</think>b</think>c", "closed-if-opened", "c"],
    ["plain", "closed-if-opened", "plain"],
    ["plain", "required", undefined],
    ["<think>a", "closed-if-opened", undefined],
    ["a</think>b<think>c", "required", undefined],
    ["<think>a", "ignored", "<think>a"],
  ] as const)("%j under %s", (text, thinking, expected) => {
    expect(textAfterThinking(text, thinking)).toBe(expected);
  });
});

describe("boxes", () => {
  test.each([
    ["\\boxed{1} then \\boxed{2}", "2"],
    ["\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"],
    ["\\boxed {3}", "3"],
    ["\\boxed{\\{1,2\\}}", "\\{1,2\\}"],
    ["\\boxed{\\begin{matrix}1\\\\2\\end{matrix}}", "\\begin{matrix}1\\\\2\\end{matrix}"],
    ["\\boxed{\\boxed{5}}", "\\boxed{5}"],
    ["\\boxed{4} and \\boxed{5", "4"],
    ["{\\boxed{6}", "6"],
    ["\\boxed{7}}}}", "7"],
    ["\\boxed", undefined],
    ["\\boxed{", undefined],
    ["\\boxed 5", undefined],
    ["no box", undefined],
  ])("%j", (text, expected) => {
    expect(lastBoxed(text)).toBe(expected);
  });
});

describe("announcements", () => {
  test.each([
    ["So the final answer is 3.5. I hope it is correct.", "announced:3.5"],
    ["The answer is $\\frac{1}{2}$, as said.", "announced:\\frac{1}{2}"],
    ["**Answer:** 42", "announced:42"],
    ["answer: 1\nThe FINAL ANSWER IS: 2.\nbye", "announced:2"],
    ["answer: 1, no: \\boxed{2}", "boxed:2"],
    ["answer:", "no-answer-found"],
    ["7</think>", "no-answer-found"],
  ])("%j", (text, expected) => {
    expect(answer(text)).toBe(expected);
  });

  test.each([
    ["so\n42\n", "bare:42"],
    ["x+1", "bare:x+1"],
    ["Monday", "bare:Monday"],
    ["Either $x=5$ or $x=7$.", "bare:x=5, x=7"],
    ["We get $x=5$ and therefore $y=7$.", "bare:y=7"],
    ["That makes 3 boxes with 1,200 nails.", "bare:1,200"],
    ["It is 0,5", "bare:0.5"],
    ["0,5", "bare:0.5"],
    ["I do not know what to say", "no-answer-found"],
  ])("%j, with neither box nor announcement", (text, expected) => {
    expect(answer(text)).toBe(expected);
    expect(answer(text, { bareAnswer: "refuse" })).toBe("no-answer-found");
  });
});
