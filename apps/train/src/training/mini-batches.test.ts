import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dealGroups } from "./mini-batches.ts";

const key = { seed: 1, stage: 3, epoch: 0 };
const groupsOf = (tokens: readonly number[]) => tokens.map((count, i) => ({ rows: [2 * i, 2 * i + 1], tokens: count }));

describe.each(["shuffled", "token_balanced"] as const)("%s", (rule) => {
  test("every group once, whole, and never more than one group more in one mini-batch than in another", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 24 }),
        fc.integer({ min: 1, max: 6 }),
        (tokens, parts) => {
          const dealt = dealGroups(groupsOf(tokens), { parts, rule, key });
          expect(dealt).toHaveLength(parts);
          expect(dealt.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2 * tokens.length }, (_, row) => row));
          for (const rows of dealt) {
            expect(rows.length).toBeLessThanOrEqual(2 * Math.ceil(tokens.length / parts));
            for (let i = 0; i < rows.length; i += 2) expect(rows[i + 1]).toBe(rows[i]! + 1);
          }
        },
      ),
    );
  });

  test("another epoch deals otherwise, the same one alike", () => {
    const groups = groupsOf(Array.from({ length: 16 }, () => 7));
    const deal = (epoch: number) => dealGroups(groups, { parts: 4, rule, key: { ...key, epoch } });
    expect(deal(0)).toEqual(deal(0));
    expect(deal(1)).not.toEqual(deal(0));
  });
});

test("balanced mini-batches differ by less than the longest group", () => {
  const tokens = [900, 30, 40, 420, 380, 500, 35, 410];
  const sums = dealGroups(groupsOf(tokens), { parts: 2, rule: "token_balanced", key }).map((rows) =>
    rows.filter((row) => row % 2 === 0).reduce((sum, row) => sum + tokens[row / 2]!, 0),
  );
  expect(Math.abs(sums[0]! - sums[1]!)).toBeLessThan(100);
});
