import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { grpoAdvantages } from "./grpo.ts";

const close = { atol: 5e-8 };

describe("values computed by hand", () => {
  test("one right of two, two of four, one of four", () => {
    expectClose(grpoAdvantages({ rewards: [1, 0], groupSize: 2 }).advantages, [0.7071058, -0.7071058], close);
    expectClose(grpoAdvantages({ rewards: [1, 1, 0, 0], groupSize: 4 }).advantages, [0.8660239, 0.8660239, -0.8660239, -0.8660239], close);
    const { advantages } = grpoAdvantages({ rewards: [1, 0, 0, 0], groupSize: 4 });
    expectClose(advantages, [1.499997, -0.499999, -0.499999, -0.499999], close);
  });

  test.each([
    { right: 1, high: 3.75, low: -0.25 },
    { right: 4, high: 1.677, low: -0.559 },
    { right: 8, high: 0.9682, low: -0.9682 },
    { right: 15, high: 0.25, low: -3.75 },
  ])("$right right of 16", ({ right, high, low }) => {
    const { advantages } = grpoAdvantages({
      rewards: Array.from({ length: 16 }, (_, i) => Number(i < right)),
      groupSize: 16,
    });
    expectClose([advantages[0]!, advantages[15]!], [high, low], { atol: 6e-5 });
  });

  test("the fourth response truncated, under each mask", () => {
    const batch = { rewards: [1, 0, 1, 0], truncated: [false, false, false, true], groupSize: 4 };
    expectClose(grpoAdvantages(batch).advantages, [0.8660239, -0.8660239, 0.8660239, -0.8660239], close);
    const before = grpoAdvantages({ ...batch, truncationMask: "before" });
    expectClose(before.advantages, [0.57735, -1.1547, 0.57735, 0], { atol: 2e-6 });
    expectClose(grpoAdvantages({ ...batch, truncationMask: "after" }).advantages, [0.8660239, -0.8660239, 0.8660239, 0], close);
  });

  test("a single counted member keeps its raw reward; none counted gives zeros", () => {
    const alone = 1 / (1 + 1e-6);
    expectClose(grpoAdvantages({ rewards: [1, 0], groups: [5, 9] }).advantages, [alone, 0], {
      atol: 1e-15,
    });
    const batch = { rewards: [1, 1], truncationMask: "before" as const, groupSize: 2 };
    expectClose(grpoAdvantages({ ...batch, truncated: [1, 0] }).advantages, [0, alone], {
      atol: 1e-15,
    });
    const none = grpoAdvantages({ ...batch, truncated: [1, 1] });
    expect([...none.advantages]).toEqual([0, 0]);
  });

  test("without the standard deviation only the mean is subtracted", () => {
    expectClose(
      grpoAdvantages({ rewards: [1, 0, 0, 0], groupSize: 4, normalizeByStd: false }).advantages,
      [0.75, -0.25, -0.25, -0.25],
      close,
    );
  });

  test("equal rewards give exactly 0 though their sum rounds", () => {
    expect([...grpoAdvantages({ rewards: Array(10).fill(0.1), groupSize: 10 }).advantages]).toEqual(Array(10).fill(0));
  });
});

test("advantages follow their rows under any permutation, and sum to 0 in each group", () => {
  const batches = fc.array(
    fc.record({
      group: fc.integer({ min: -2, max: 2 }),
      reward: fc.constantFrom(0, 1, 0.5),
      key: fc.double({ noNaN: true }),
    }),
    { minLength: 1, maxLength: 24 },
  );
  fc.assert(
    fc.property(batches, (rows) => {
      const advantagesOf = (list: typeof rows) => grpoAdvantages({ rewards: list.map((r) => r.reward), groups: list.map((r) => r.group) });
      const order = [...rows.keys()].sort((a, b) => rows[a]!.key - rows[b]!.key);
      const { advantages } = advantagesOf(rows);
      expectClose(
        advantagesOf(order.map((i) => rows[i]!)).advantages,
        order.map((i) => advantages[i]!),
        { atol: 1e-12 },
      );
      for (const group of new Set(rows.map((row) => row.group))) {
        if (rows.filter((row) => row.group === group).length < 2) continue;
        let sum = 0;
        rows.forEach((row, i) => (sum += row.group === group ? advantages[i]! : 0));
        expect(Math.abs(sum)).toBeLessThan(1e-9);
      }
    }),
    { seed: 11, numRuns: 100 },
  );
});

test("wrong input is refused with what was expected", () => {
  expect(() => grpoAdvantages({ rewards: [1, 0, 1], groupSize: 2 })).toThrow(
    "grpoAdvantages: groupSize must be a divisor of the 3 rows, got 2",
  );
  expect(() => grpoAdvantages({ rewards: [1, 0, 1], groups: [0, 0] })).toThrow("groups must be one id per row (3), got 2 ids");
  expect(() => grpoAdvantages({ rewards: [1, 0], groups: [0, 0.5] })).toThrow("groups[1] must be a 32-bit integer, got 0.5");
  expect(() => grpoAdvantages({ rewards: [1, Number.NaN], groupSize: 2 })).toThrow("rewards[1] must be a finite number, got NaN");
  expect(() => grpoAdvantages({ rewards: [1, 0], groupSize: 2, truncationMask: "after" })).toThrow(
    'truncated must be given for the mask "after", got nothing',
  );
  expect(() => grpoAdvantages({ rewards: [1, 0], groupSize: 2, truncationMask: "never" as "none" })).toThrow(
    "one of none, before, after, got never",
  );
  expect(() => grpoAdvantages({ rewards: [1, 0], groupSize: 2, epsilon: -1 })).toThrow(
    "epsilon must be a finite number, at least 0, got -1",
  );
});
