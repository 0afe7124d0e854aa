import { describe, expect, test } from "vitest";

import { grpoAdvantages } from "./advantages/grpo.ts";
import { countResponses } from "./aggregation.ts";
import { rejectZeroAdvantageGroups } from "./rejection.ts";

describe("rejection", () => {
  const rewards = [1, 1, 0, 0, 1, 0];
  const groups = [7, 7, 3, 3, 5, 5];

  test("keeps whole groups that are solved sometimes, and counts the others", () => {
    const { advantages } = grpoAdvantages({ rewards, groups });
    const rejection = rejectZeroAdvantageGroups({ rewards, advantages, groups });
    expect(rejection).toEqual({
      empty: false,
      keptRows: Int32Array.of(4, 5),
      rowMask: Uint8Array.of(0, 0, 0, 0, 1, 1),
      keptGroups: Int32Array.of(5),
      rejectedGroups: Int32Array.of(7, 3),
      solveNone: 1,
      solveAll: 1,
      solveNoneRatio: 1 / 3,
      solveAllRatio: 1 / 3,
    });
  });

  test("a batch solved everywhere or nowhere is empty, not an error", () => {
    for (const value of [0, 1]) {
      const all = [value, value, value, value];
      const { advantages } = grpoAdvantages({ rewards: all, groupSize: 2 });
      const rejection = rejectZeroAdvantageGroups({ rewards: all, advantages, groupSize: 2 });
      expect(rejection).toMatchObject({
        empty: true,
        solveNone: value === 0 ? 2 : 0,
        solveAll: value === 1 ? 2 : 0,
      });
      expect(rejection.keptRows).toHaveLength(0);
      expect(() => countResponses(rejection.rowMask)).toThrow(
        "lengths must be at least one token to average over, got 4 rows, none with a token",
      );
    }
    expect(rejectZeroAdvantageGroups({ rewards: [], advantages: [], groupSize: 4 })).toMatchObject({
      empty: true,
      solveNoneRatio: 0,
    });
  });

  test("the two rules differ where the paper and the released code do", () => {
    const isEmptyBy = (rule: "advantage" | "reward", batch: { rewards: number[]; advantages: number[] }) =>
      rejectZeroAdvantageGroups({ ...batch, rule, groupSize: batch.rewards.length }).empty;
    const allHalf = { rewards: [0.5, 0.5], advantages: [0, 0] };
    expect([isEmptyBy("advantage", allHalf), isEmptyBy("reward", allHalf)]).toEqual([true, false]);
    const alone = { rewards: [1], advantages: [1] };
    expect([isEmptyBy("advantage", alone), isEmptyBy("reward", alone)]).toEqual([false, true]);
  });

  test("wrong input is refused", () => {
    expect(() => rejectZeroAdvantageGroups({ rewards: [1, 0], advantages: [0], groupSize: 2 })).toThrow(
      "advantages must be one value per row (2), got 1 values",
    );
    expect(() => rejectZeroAdvantageGroups({ rewards: [1, 0], advantages: [0, Infinity], groupSize: 2 })).toThrow(
      "advantages[1] must be a finite number",
    );
    expect(() =>
      rejectZeroAdvantageGroups({
        rewards: [1, 0],
        advantages: [1, -1],
        groupSize: 2,
        rule: "all" as "reward",
      }),
    ).toThrow("one of advantage, reward, got all");
  });
});
