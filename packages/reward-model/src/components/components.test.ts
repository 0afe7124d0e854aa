import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, test } from "vitest";
import { formatReward } from "./format-reward.ts";
import { lengthReward } from "./length-reward.ts";
import { rewardComponents } from "./registry.ts";
import { repetitionPenalty } from "./repetition-penalty.ts";

const exact = { atol: 1e-12 };

/** One response: its text, and what differs from a math answer that ended by itself to a prompt that opened the reasoning. */
function formatOf(text: string, differs: { truncated?: boolean; ability?: "math" | "code"; thinking?: "closed-if-opened" } = {}): number {
  const { truncated = false, ability = "math", thinking = "required" } = differs;
  return formatReward({ texts: [text], truncated: [truncated], abilities: [ability], thinking })[0]!;
}

test("format: reasoning closed once, an answer behind it, ended by itself", () => {
  expect(formatOf("2+2=4</think>\\boxed{4}")).toBe(1);
  expect(formatOf("2+2=5</think>\\boxed{5}")).toBe(1);
  expect(formatOf("2+2=4</think>4")).toBe(0);
  expect(formatOf("2+2=4</think>\\boxed{ }")).toBe(0);
  expect(formatOf("\\boxed{4}")).toBe(0);
  expect(formatOf("\\boxed{4}", { thinking: "closed-if-opened" })).toBe(1);
  expect(formatOf("<think>\\boxed{4}", { thinking: "closed-if-opened" })).toBe(0);
  expect(formatOf("a</think>b</think>\\boxed{4}")).toBe(0);
  expect(formatOf("a</think>\\boxed{4}", { truncated: true })).toBe(0);
});

test("format of code: a fenced block that is closed", () => {
  const code = { ability: "code" } as const;
  expect(formatOf("so</think>\n```python\nprint(1)\n```\n", code)).toBe(1);
  expect(formatOf("so</think>\n```python\nprint(1)\n", code)).toBe(0);
  expect(formatOf("```python\nprint(1)\n```\n", code)).toBe(0);
});

test("length: short right answers gain, long wrong ones lose, one length gives nothing", () => {
  const lengths = [10, 20, 30, 10, 5, 5, 5, 5];
  const correct = [true, true, true, false, true, false, true, false];
  expectClose(lengthReward({ lengths, correct, groupSize: 4 }), [0.5, 0, -0.5, 0, 0, 0, 0, 0], exact);
  expectClose(lengthReward({ lengths: [10, 14, 30], correct: [true, true, false], groupSize: 3 }), [0.5, 0.3, -0.5], exact);
  expect(() => lengthReward({ lengths, correct, groupSize: 3 })).toThrow(
    "lengthReward: lengths must be as many as correct (8), a multiple of 3, got 8",
  );
});

test("repetition: the share of n-grams seen before, as a loss", () => {
  // a b a b a b: bigrams ab ba ab ba ab, two of five are new.
  expectClose(repetitionPenalty({ tokens: [[1, 2, 1, 2, 1, 2], [1, 2, 3], [7]], n: 2 }), [-0.6, 0, 0], exact);
  expect(Object.is(repetitionPenalty({ tokens: [[1, 2, 3, 4]] })[0], 0)).toBe(true);
});

test("the registry gives each component what it needs", () => {
  const responses = {
    groupSize: 2,
    texts: ["x</think>\\boxed{1}", "x"],
    tokens: [new Int32Array([1, 2, 3]), new Int32Array([1, 1, 1, 1, 1, 1, 1])],
    truncated: [false, true],
    maxLength: 7,
    scores: [1, 0],
    correct: [true, false],
    abilities: ["math", "math"] as const,
    thinking: "required" as const,
  };
  expectClose(rewardComponents.verifier(responses), [1, 0], exact);
  expectClose(rewardComponents.format(responses), [1, 0], exact);
  expectClose(rewardComponents.length(responses), [0.5, -0.5], exact);
  expectClose(rewardComponents.overlong(responses, { bufferLength: 4 }), [0, -1], exact);
  expectClose(rewardComponents.repetition(responses, {}), [0, -0.75], exact);
});
