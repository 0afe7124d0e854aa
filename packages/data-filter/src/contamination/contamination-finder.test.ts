import { expect, test } from "vitest";
import { createContaminationFinder } from "./contamination-finder.ts";

const LIGHTHOUSES =
  "Two lighthouses flash every 12 and every 18 seconds. They have just flashed together. After how many seconds do they flash together again?";

test.each<[string, string, string | undefined]>([
  ["the problem itself", LIGHTHOUSES, "contains"],
  ["behind other words", `Problem 3 (adapted). Consider this. ${LIGHTHOUSES}`, "contains"],
  ["with a few words changed", LIGHTHOUSES.replace("Two lighthouses flash", "A pair of lamps blink"), "near-duplicate"],
  [
    "a long piece of it",
    `${LIGHTHOUSES.slice(0, LIGHTHOUSES.indexOf("After"))} When do both lamps light up next, in seconds from now on?`,
    "n-gram",
  ],
  ["with other numbers", LIGHTHOUSES.replace("18", "20"), undefined],
  ["with its numbers in another order", LIGHTHOUSES.replace("12", "x").replace("18", "12").replace("x", "18"), undefined],
  ["another problem", "A train of 12 cars passes a bridge in 18 seconds. How long is the bridge?", undefined],
])("%s", (_, statement, rule) => {
  const found = createContaminationFinder(["What is 7 + 8?", LIGHTHOUSES]).check(statement);
  expect([found?.rule, found?.benchmark]).toEqual(rule === undefined ? [undefined, undefined] : [rule, 1]);
});

test("a short problem is found whole only", () => {
  const finder = createContaminationFinder(["What is 7 + 8?"]);
  expect(finder.check("Question: What is 7+8?")).toEqual({ benchmark: 0, rule: "contains", coverage: 1, longestRun: 5 });
  expect(finder.check("What is 7 + 9?")).toBeUndefined();
});

test("options out of range are refused", () => {
  expect(() => createContaminationFinder([], { coverage: 2 })).toThrow("coverage must be above 0, at most 1, got 2");
  expect(() => createContaminationFinder([], { ngram: 2 })).toThrow("ngram must be a whole number of at least 4, got 2");
});
