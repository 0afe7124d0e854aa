// Answers as people and models write them, with what a careful reader would say; the false ones matter most: each was made to look right.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { gradeMath } from "./grade-math.ts";

interface Answer {
  gold: string;
  prediction: string;
  expected: boolean;
}

const answers = readFileSync(new URL("../../fixtures/math-answers.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Answer);

test("every answer is judged right, and none is called invalid", () => {
  const judged = answers.map(({ gold, prediction }) => gradeMath({ response: prediction, groundTruth: gold }));
  expect(answers.filter(({ expected }, i) => judged[i]!.score !== Number(expected))).toEqual([]);
  expect(answers.filter((_, i) => judged[i]!.outcome === "invalid_ground_truth")).toEqual([]);
  expect(answers.filter(({ expected }) => !expected).length).toBeGreaterThan(140);
});
