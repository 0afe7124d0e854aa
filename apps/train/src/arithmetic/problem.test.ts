import { gradeMath } from "@longcot/verifiers";
import { describe, expect, test } from "vitest";
import { ARITHMETIC_ALPHABET } from "./alphabet.ts";
import { permute } from "./keyed-permutation.ts";
import { LEVELS, OPERATIONS, type Level } from "./operations.ts";
import { makeProblem } from "./problem.ts";
import type { Split } from "./split-pairs.ts";

/** Problems of a split until it has no more, at most `most`. */
function questions(seed: number, split: Split, level: Level, most: number): string[] {
  const found: string[] = [];
  for (let index = 0; index < most; index++) {
    try {
      found.push(makeProblem({ seed, split, level, index }).prompt);
    } catch {
      break;
    }
  }
  return found;
}
/** A question with its operands in ascending order. */
const unordered = (question: string) =>
  question
    .split("+")
    .map(Number)
    .toSorted((a, b) => a - b)
    .join("+");

describe("worked solutions", () => {
  test.each([
    [47, 85, "7+5+0=12;4+8+1=13;"],
    [9, 9, "9+9+0=18;"],
    [100, 100, "0+0+0=0;0+0+0=0;1+1+0=2;"],
    [9999, 1001, "9+1+0=10;9+0+1=10;9+0+1=10;9+1+1=11;"],
  ])("%i+%i", (a, b, steps) => {
    expect(OPERATIONS.addition.work(a, b)).toBe(steps);
  });

  test("every solution earns 1 from the verifier, every other answer 0, and is written in the alphabet", () => {
    for (const level of LEVELS) {
      for (let index = 0; index < 40; index++) {
        const problem = makeProblem({ seed: 3, split: "train", level, index });
        const [a, b] = problem.prompt.split("+").map(Number);
        expect(problem.answer).toBe(String(a! + b!));
        const grade = (response: string, groundTruth: string) => gradeMath({ response, groundTruth }, { thinking: "required" }).score;
        expect(grade(problem.completion, problem.answer)).toBe(1);
        expect(grade(problem.solution, problem.answer)).toBe(1);
        expect(grade(problem.completion, String(a! + b! + 10))).toBe(0);
        let rest = problem.prompt + problem.solution;
        for (const symbol of [...ARITHMETIC_ALPHABET.strings, ...ARITHMETIC_ALPHABET.characters.split("")])
          rest = rest.replaceAll(symbol, "");
        expect(rest).toBe("");
      }
    }
  });
});

describe("splits", () => {
  test("level 1 has 100 questions: all come, none twice, none in two splits", () => {
    for (const seed of [0, 1, 2]) {
      const train = questions(seed, "train", 1, 200);
      const heldOut = questions(seed, "held-out", 1, 200);
      expect(new Set([...train, ...heldOut]).size).toBe(100);
      expect(train.length + heldOut.length).toBe(100);
      expect(questions(seed, "cold-start", 1, 200).toSorted()).toEqual(train.toSorted());
    }
  });

  test("held-out questions occur nowhere else, in either order; train and cold start start from different ends", () => {
    for (const level of [2, 3, 4] as const) {
      const train = questions(7, "train", level, 500).map(unordered);
      const coldStart = questions(7, "cold-start", level, 500).map(unordered);
      const heldOut = questions(7, "held-out", level, 500).map(unordered);
      expect([train.length, coldStart.length, heldOut.length]).toEqual([500, 500, 500]);
      expect(new Set([...train, ...coldStart, ...heldOut]).size).toBe(1500);
    }
  });

  test("operands have the level's digits and both orders occur", () => {
    for (const level of LEVELS) {
      const operands = questions(1, "train", level, 40).map((question) => question.split("+"));
      expect(operands.every(([a, b]) => a!.length === level && b!.length === level)).toBe(true);
      expect(operands.some(([a, b]) => Number(a) < Number(b))).toBe(true);
      expect(operands.some(([a, b]) => Number(a) > Number(b))).toBe(true);
    }
  });

  test("a problem is a function of its key; another seed gives another order", () => {
    expect(questions(5, "train", 3, 20)).toEqual(questions(5, "train", 3, 20));
    expect(questions(5, "train", 3, 20)).not.toEqual(questions(6, "train", 3, 20));
    expect(questions(0, "train", 2, 4)).toMatchInlineSnapshot(`
      [
        "86+11",
        "32+67",
        "38+49",
        "53+78",
      ]
    `);
  });

  test("past the last problem and out of range, the error says what there is", () => {
    const all = questions(0, "train", 1, 200).length;
    expect(() => makeProblem({ seed: 0, split: "train", level: 1, index: all })).toThrow(
      `level 1, train: problems must be at most ${all}, all that there are, got ${all + 1}`,
    );
    expect(() => makeProblem({ seed: 0, split: "train", level: 5 as Level, index: 0 })).toThrow("level must be 1, 2, 3, 4, got 5");
    expect(() => makeProblem({ seed: 0.5, split: "train", level: 1, index: 0 })).toThrow("seed must be an integer, got 0.5");
    expect(() => makeProblem({ seed: 0, split: "train", level: 1, index: -1 })).toThrow("index must be an integer from 0, got -1");
  });
});

test.each([1, 2, 3, 55, 1000])("permute is a bijection on 0..%i-1", (size) => {
  for (const key of [0, 1, 0xffffffff]) {
    const images = Array.from({ length: size }, (_, i) => permute(i, size, key));
    expect(images.toSorted((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
  }
});
