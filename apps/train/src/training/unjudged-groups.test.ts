import { expect, test } from "vitest";
import { clearUnjudgedGroups } from "./unjudged-groups.ts";

const verdicts = (...outcomes: ("correct" | "wrong" | "crash" | "invalid_ground_truth")[]) =>
  outcomes.map((outcome) => ({ outcome, detail: "why" }));

test("a group with a verdict that says nothing has no advantages; others keep theirs", () => {
  const advantages = [1, -1, 0.5, -0.5];
  expect(clearUnjudgedGroups(advantages, { groupSize: 2, verdicts: verdicts("correct", "wrong", "correct", "wrong") })).toBe(undefined);
  expect(clearUnjudgedGroups(advantages, { groupSize: 2, verdicts: verdicts("correct", "wrong", "correct", "crash") })).toBe(
    "1 of 2 groups are not learnt from, since a verdict in them says nothing about its response (crash: why)",
  );
  expect(advantages).toEqual([1, -1, 0, 0]);
});

test("a step without any verdict is an error", () => {
  const broken = { groupSize: 1, verdicts: verdicts("crash", "invalid_ground_truth") };
  expect(() => clearUnjudgedGroups([0, 0], broken)).toThrow("a verdict on at least one response of the step, got crash: why");
});
