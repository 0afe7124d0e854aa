import fc from "fast-check";
import { expect, test } from "vitest";
import { minePairs } from "./mine-pairs.ts";
import type { AnswerGroup } from "./mine-pairs.ts";

const group = (promptId: number, marks: string): AnswerGroup => ({
  promptId,
  answers: marks.split("").map((mark, i) => ({ text: `${i}`, isRight: mark === "+" })),
});

test("right against wrong; groups that have only one kind give nothing", () => {
  const pairs = minePairs([group(1, "+-"), group(2, "++"), group(3, "--"), group(4, "--+")], { perGroup: 1, seed: 0 });
  expect(pairs.map(({ promptId }) => promptId)).toEqual([1, 4]);
  expect(pairs[0]).toEqual({ promptId: 1, chosen: 0, rejected: 1 });
  expect(pairs[1]!.chosen).toBe(2);
});

test("an answer given several times counts once", () => {
  const answers = [
    { text: "a", isRight: true },
    { text: "a", isRight: true },
    { text: "b", isRight: false },
    { text: "b", isRight: false },
  ];
  expect(minePairs([{ promptId: 1, answers }], { perGroup: 9, seed: 0 })).toEqual([{ promptId: 1, chosen: 0, rejected: 2 }]);
});

test("no pair twice, every answer used as often as its like, the same for the same seed and whatever groups are beside", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 2, maxLength: 12 }),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(5),
      (marks, perGroup, seed) => {
        const one: AnswerGroup = { promptId: 7, answers: marks.map((isRight, i) => ({ text: String(i), isRight })) };
        const pairs = minePairs([one], { perGroup, seed });
        const [right, wrong] = [marks.filter(Boolean).length, marks.filter((mark) => !mark).length];
        expect(pairs).toHaveLength(Math.min(perGroup, right * wrong));
        expect(new Set(pairs.map(({ chosen, rejected }) => `${chosen} ${rejected}`)).size).toBe(pairs.length);
        for (const { chosen, rejected } of pairs) expect([marks[chosen], marks[rejected]]).toEqual([true, false]);
        const uses = (side: "chosen" | "rejected", kind: boolean): number[] =>
          marks.flatMap((mark, i) => (mark === kind ? [pairs.filter((pair) => pair[side] === i).length] : []));
        for (const counts of [uses("chosen", true), uses("rejected", false)])
          expect(counts.every((count) => Math.abs(count - counts[0]!) <= 1)).toBe(true);
        expect(minePairs([group(1, "+-+-"), one], { perGroup, seed }).filter(({ promptId }) => promptId === 7)).toEqual(pairs);
      },
    ),
  );
});
