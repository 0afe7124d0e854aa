import { describe, expect, test } from "vitest";
import { extractAnswer, lastBoxed, textAfterThinking } from "./extract.ts";
import { DEFAULT_MATH_POLICY } from "./policy.ts";

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
    ["7</think>hm", "no-answer-found"],
  ])("%j", (text, expected) => {
    expect(answer(text)).toBe(expected);
  });

  test("a bare last line counts only when the policy says so", () => {
    expect(answer("so\n42\n")).toBe("no-answer-found");
    expect(answer("so\n42\n", { bareAnswer: "last-line" })).toBe("last-line:42");
  });
});
