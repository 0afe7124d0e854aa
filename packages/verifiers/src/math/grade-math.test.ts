import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OUTCOMES } from "../outcome.ts";
import { gradeMath } from "./grade-math.ts";

interface Row {
  id: string;
  category: string;
  gold: string;
  prediction: string;
  expected: boolean;
}
const rows = readFileSync(new URL("../../fixtures/math-plain.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Row);
const score = (response: string, groundTruth: string) => gradeMath({ response, groundTruth }).score;
const boxed = (answer: string, gold: string) => score(`\\boxed{${answer}}`, gold);

describe("fixtures", () => {
  test("no plain row earns a reward that it should not", () => {
    expect(rows.filter((row) => !row.expected).length).toBe(123);
    expect(rows.filter((row) => !row.expected && score(row.prediction, row.gold) === 1)).toEqual([]);
  });

  test("every row is judged right", () => {
    expect(rows.length).toBe(259);
    expect(rows.filter((row) => score(row.prediction, row.gold) !== Number(row.expected))).toEqual([]);
  });
});

describe("numbers", () => {
  test.each([
    ["025", "25"],
    ["25", "25.0"],
    ["-\\frac{1}{2}", "-0.5"],
    ["\\frac{-1}{2}", "-1/2"],
    ["\\frac{1}{-2}", "-\\dfrac12"],
    ["2\\frac{1}{3}", "7/3"],
    ["1,234,567", "1234567"],
    ["1{,}234", "1234"],
    ["1\\,234", "1234"],
    ["336^\\circ", "336"],
    ["336^{\\circ}", "336°"],
    ["12\\%", "12"],
    ["12\\%", "0.12"],
    ["1.5\\times 10^{3}", "1500"],
    ["1.5e-3", "0.0015"],
    ["3 \\cdot 10^2", "300"],
    ["\\$18", "18"],
    ["+7", "7"],
    ["\u22127", "-7"],
    [".5", "\\frac12"],
    ["42.", "42"],
    ["\\text{42}", "42"],
    ["\\left(1,2\\right)", "(1, 2)"],
    ["x^{2}", "x^2"],
    ["1/2/3", "1/6"],
    ["10^34", "10^{34}"],
    ["12\\text{ cm}", "12"],
  ])("%s equals %s, both ways", (a, b) => {
    expect(boxed(a, b)).toBe(1);
    expect(boxed(b, a)).toBe(1);
  });

  test.each([
    ["1 2", "12"],
    ["12,34", "1234"],
    ["0.33", "\\frac13"],
    ["25\\%", "2.5\\%"],
    ["2\\frac{4}{3}", "\\frac{10}{3}"],
    ["1/0", "0"],
    ["2e5x", "200000"],
    ["\\in t", "\\int"],
    ["(0,1]", "[0,1]"],
    ["12345678901234567891", "12345678901234567890"],
    ["3^2", "32"],
    ["5", "-5"],
    ["1/2/3", "3/2"],
    ["10^34", "340"],
  ])("%s does not equal %s", (a, b) => {
    expect(boxed(a, b)).toBe(0);
    expect(boxed(b, a)).toBe(0);
  });

  test("the percent sign can be taken strictly", () => {
    expect(gradeMath({ response: "\\boxed{12\\%}", groundTruth: "12" }, { percent: "exact" }).score).toBe(0);
    expect(gradeMath({ response: "\\boxed{12\\%}", groundTruth: "0.12" }, { percent: "exact" }).score).toBe(1);
  });
});

describe("ground truth", () => {
  test("any answer of a JSON list is accepted", () => {
    expect(boxed("0.5", '["1/3", "\\\\frac{1}{2}"]')).toBe(1);
    expect(boxed("0.4", '["1/3", "\\\\frac{1}{2}"]')).toBe(0);
    expect(gradeMath({ response: "\\boxed{4}", groundTruth: ["3", "4"] }).score).toBe(1);
  });

  test("an interval in brackets is an answer, not a list", () => {
    expect(boxed("[1, 3]", "[1,3]")).toBe(1);
    expect(boxed("1", "[1,3]")).toBe(0);
    expect(boxed("[1,\\infty)", "[1, \\infty)")).toBe(1);
  });

  test.each(["", "  ", "[]", '[""]', '["1", ""]', '["1", 2]', "[null]", '["1', '["\\sqrt{3}"]', "\\frac{1}{2", "$$", "an endless number"])(
    "%j is invalid whatever the response says",
    (text) => {
      const groundTruth = text === "an endless number" ? "9".repeat(200_000) : text;
      for (const response of ["\\boxed{1}", "", "<think>"]) {
        expect(gradeMath({ response, groundTruth })).toEqual({
          score: 0,
          outcome: "invalid_ground_truth",
          rule: "ground-truth",
        });
      }
    },
  );

  test.each([null, undefined, 7, {}, [[1]]])("%j is invalid, not a crash", (groundTruth) => {
    expect(gradeMath({ response: "\\boxed{1}", groundTruth: groundTruth as string }).outcome).toBe("invalid_ground_truth");
  });
});

describe("no answer", () => {
  test("a truncated response earns nothing unless the policy grades it", () => {
    const request = { response: "\\boxed{4}", groundTruth: "4", truncated: true };
    expect(gradeMath(request)).toEqual({ score: 0, outcome: "no_answer", rule: "truncated" });
    expect(gradeMath(request, { truncated: "grade" }).score).toBe(1);
  });

  test("a box inside unfinished thinking earns nothing", () => {
    expect(gradeMath({ response: "<think>it is \\boxed{4}", groundTruth: "4" })).toEqual({
      score: 0,
      outcome: "no_answer",
      rule: "thinking-not-closed",
    });
  });

  test("an empty box is no answer, an unbalanced or endless one is unparseable", () => {
    expect(gradeMath({ response: "\\boxed{ }", groundTruth: "4" }).outcome).toBe("no_answer");
    expect(gradeMath({ response: `\\boxed{${"9".repeat(30_000)}}`, groundTruth: "4" }).outcome).toBe("unparseable");
    expect(gradeMath({ response: 4 as unknown as string, groundTruth: "4" }).outcome).toBe("unparseable");
  });
});

describe("hostile input", () => {
  const N = 200_000;
  test.each([
    ["unclosed boxes", "\\boxed{".repeat(N / 7)],
    ["nested boxes", "\\boxed{".repeat(5_000) + "4" + "}".repeat(5_000)],
    ["nested parentheses", `\\boxed{${"(".repeat(3_000)}4${")".repeat(3_000)}}`],
    ["nested braces", `\\boxed{${"{".repeat(3_000)}4${"}".repeat(3_000)}}`],
    ["power tower", "\\boxed{9^{9^{9^{9^{9}}}}}"],
    ["scientific tower", "\\boxed{1e999999999}"],
    ["long exponent", "\\boxed{1\\times 10^{999999}}"],
    ["factorial", "\\boxed{(10!)!}"],
    ["many digits", `\\boxed{${"9".repeat(N)}}`],
    ["long fraction", `\\boxed{\\frac{${"9".repeat(3_900)}}{${"7".repeat(3_900)}}}`],
    ["backslashes", "\\".repeat(N)],
    ["capital letters", "THE ANSWER IS ".repeat(N / 14)],
    ["blank lines", "\n".repeat(N)],
    ["dollar signs", `the answer is ${"$".repeat(N)}`],
    ["think tags", "<think></think>".repeat(N / 15)],
    ["lone surrogates", "\\boxed{\ud800\udfff\udc00}"],
    ["nul", "\\boxed{\u0000}"],
    ["prototype names", "\\boxed{__proto__}"],
  ])("%s: a verdict, never correct", (_name, response) => {
    const grade = gradeMath({ response, groundTruth: "4" }, { bareAnswer: "accept" });
    expect(grade.score).toBe(0);
    expect(["wrong", "no_answer", "unparseable", "timeout"]).toContain(grade.outcome);
  });

  test("any text gives one of the outcomes", () => {
    const piece = fc.constantFrom(
      "\\boxed{",
      "}",
      "{",
      "\\frac",
      "1",
      "0",
      "/",
      "-",
      ".",
      ",",
      "^",
      "%",
      "$",
      "\\text{",
      "<think>",
      "</think>",
      " ",
      "\\",
      "e",
      "answer: ",
      "\n",
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }),
        fc.string({ unit: "binary", maxLength: 20 }),
        fc.array(piece, { maxLength: 8 }),
        (pieces, noise, gold) => {
          const grade = gradeMath({ response: pieces.join("") + noise, groundTruth: gold.join("") }, { bareAnswer: "accept" });
          expect(OUTCOMES).toContain(grade.outcome);
          expect(grade.score === 1).toBe(grade.outcome === "correct");
        },
      ),
      { seed: 1, numRuns: 2_000 },
    );
  });
});

describe("laws of equality", () => {
  const rational = fc.record({
    n: fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }),
    d: fc.bigInt({ min: 1n, max: 10n ** 6n }),
  });
  const spellings = (n: bigint, d: bigint): string[] => [
    `\\frac{${n}}{${d}}`,
    `\\dfrac{${-n}}{-${d}}`,
    `${n}/${d}`,
    `$ ${n < 0n ? "-" : ""}\\frac{${n < 0n ? -n : n}}{${d}} $`,
    `\\frac{${n * 7n}}{${d * 7n}}`,
  ];

  test("every spelling of a fraction equals every other; a perturbed one equals none", () => {
    fc.assert(
      fc.property(rational, fc.nat(4), fc.nat(4), ({ n, d }, i, j) => {
        expect(boxed(spellings(n, d)[i]!, spellings(n, d)[j]!)).toBe(1);
        expect(boxed(spellings(n + 1n, d)[i]!, spellings(n, d)[j]!)).toBe(0);
        expect(boxed(spellings(n, d + 1n)[i]!, spellings(n, d)[j]!)).toBe(n === 0n ? 1 : 0);
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  test("integers with grouped thousands, leading zeros and decimals agree", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), (value) => {
        const grouped = value.toString().replaceAll(/\B(?=(\d{3})+$)/g, ",");
        for (const text of [grouped, grouped.replaceAll(",", "{,}"), grouped.replaceAll(",", "\\,"), `00${value}`, `${value}.000`]) {
          expect(boxed(text, value.toString())).toBe(1);
          expect(boxed(text, (value + 1n).toString())).toBe(0);
        }
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
