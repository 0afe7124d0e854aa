import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDuplicateFinder } from "./find-duplicates.ts";

const find = async (problems: readonly (readonly [statement: string, answer?: string])[], options = {}) => {
  const finder = createDuplicateFinder(options);
  for (const [statement, answer] of problems) finder.add(statement, answer);
  return (await finder.find()).map(({ row, of, kind }) => [row, of, kind]);
};

const BOX = "Ada keeps 40 marbles in a box and buys 3 packs of 12 marbles each at the market. How many marbles does Ada have now?";

describe("what duplicates what", () => {
  test.each<[string, string, string, string, string | undefined]>([
    ["the same text", BOX, BOX, "76", "duplicate-exact"],
    ["case and spacing", BOX, BOX.toUpperCase().replaceAll(" ", "\u00a0 "), "76", "duplicate-normalised"],
    [
      "answer instructions",
      BOX,
      `${BOX} Let's think step by step and put your final answer within \\boxed{}.`,
      "76",
      "duplicate-normalised",
    ],
    ["another answer", BOX, BOX, "77", "conflicting-answer"],
    ["a label", BOX, `Problem 12. ${BOX}`, "76", "near-duplicate"],
    ["points", BOX, `(5 points) ${BOX}`, "76", "near-duplicate"],
    ["a title with a year", BOX, `From the 2019 county round for juniors. ${BOX}`, "76", "near-duplicate"],
    ["a closing sentence", BOX, `${BOX} Express it as a whole number.`, "76", "near-duplicate"],
    ["another name", BOX, BOX.replaceAll("Ada", "Zara"), "76", "near-duplicate"],
    ["another number", BOX, BOX.replace("40", "41"), "76", undefined],
    ["another number and answer", BOX, BOX.replace("40", "41"), "77", undefined],
    ["alike, with another answer", BOX, BOX.replace("have now", "buy"), "36", undefined],
    ["a closing sentence with a number", BOX, `${BOX} Answer modulo 7.`, "76", undefined],
    ["\\left and \\right", "Compute $\\left(3+\\frac{1}{2}\\right)^2$.", "Compute $(3+\\frac12)^2$", "76", "duplicate-normalised"],
    ["\\left and \\right alone", "Compute $\\left(3+x\\right)^2$.", "Compute (3 + x)^2", "76", "duplicate-normalised"],
    ["a factorial", "What is 5!?", "What is 5?", "76", undefined],
    ["decimals", "Double 1.5.", "Double 15.", "76", undefined],
  ])("%s", async (_, first, second, answer, kind) => {
    const found = await find([
      [first, "76"],
      [second, answer],
    ]);
    expect(found).toEqual(kind === undefined ? [] : [[1, 0, kind]]);
  });

  test("without answers, text alone decides", async () => {
    expect(await find([[BOX], [BOX], [`Question: ${BOX}`]])).toEqual([
      [1, 0, "duplicate-exact"],
      [2, 0, "near-duplicate"],
    ]);
  });

  test("a statement that only repeats a dropped one stays", async () => {
    const words = "red orange yellow green blue indigo violet black white grey brown pink".split(" ");
    const change = (count: number) => words.map((word, i) => (i < count ? `${word}x` : word)).join(" ");
    const [zero, three, six] = [change(0), change(2), change(4)];
    expect(await find([[zero!], [three!], [six!]], { threshold: 0.6 })).toEqual([[1, 0, "near-duplicate"]]);
  });

  test("Chinese is compared by character", async () => {
    const text = "小明有12个苹果，小红有7个苹果，他们把所有苹果的数量乘以3，结果是多少？";
    expect(await find([[text], [text.replace("结果是多少", "结果等于多少")], [text.replace("12", "13")]])).toEqual([
      [1, 0, "near-duplicate"],
    ]);
  });
});

test("planted copies with a few words changed are found, nothing else is", async () => {
  const word = fc.integer({ min: 0, max: 1999 }).map((n) => `w${n.toString(26).replace(/\d/g, (d) => "qrstuvwxyz"[Number(d)]!)}`);
  const statement = fc.array(word, { minLength: 60, maxLength: 70 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(statement, { minLength: 5, maxLength: 30 }),
      fc.nat(),
      fc.array(fc.nat(59), { maxLength: 4 }),
      async (texts, pick, places) => {
        const original = texts[pick % texts.length]!;
        const copy = original.map((text, i) => (places.includes(i) ? "changed" : text));
        const found = await find([...texts, copy].map((words) => [words.join(" ")] as const));
        const repeated = found.filter(([row]) => row === texts.length);
        expect(repeated.map(([, of]) => of)).toEqual([texts.findIndex((text) => text === original)]);
      },
    ),
    { seed: 5, numRuns: 30 },
  );
});

test("an abort ends the search with its reason", async () => {
  const finder = createDuplicateFinder();
  for (let i = 0; i < 200; i++) finder.add(`statement ${i} of many`);
  await expect(finder.find({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
});

test("a threshold out of range is refused", () => {
  expect(() => createDuplicateFinder({ threshold: 0 })).toThrow("createDuplicateFinder: threshold must be above 0, at most 1, got 0");
});
