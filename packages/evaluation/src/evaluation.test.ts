import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, test } from "vitest";

import { averageAtK } from "./average-at-k.ts";
import { bootstrapInterval } from "./bootstrap.ts";
import { compareRuns } from "./compare-runs.ts";
import { outcomeTable } from "./outcome-table.ts";
import { meanPassAtK, passAtK } from "./pass-at-k.ts";
import { summarize } from "./summarize.ts";

describe("pass@k", () => {
  test("equals counting the k-subsets that hold a correct sample", () => {
    const subsets = (n: number, k: number): number[] =>
      [...Array(2 ** n).keys()].filter((set) => set.toString(2).replaceAll("0", "").length === k);
    for (const n of [1, 3, 6]) {
      for (let c = 0; c <= n; c++) {
        for (let k = 1; k <= n; k++) {
          const all = subsets(n, k);
          expectClose(
            [passAtK(n, c, k)!],
            [all.filter((set) => (set & (2 ** c - 1)) !== 0).length / all.length],
            { atol: 1e-14 },
            `n ${n} c ${c} k ${k}`,
          );
        }
      }
    }
  });

  test("rises with c and with k, and pass@1 is the fraction correct", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 2000 }), fc.nat(), fc.nat(), (n, a, b) => {
        const c = a % n;
        const k = 1 + (b % (n - 1));
        const value = passAtK(n, c, k)!;
        expect(value).toBeGreaterThanOrEqual(0);
        expect(passAtK(n, c + 1, k)!).toBeGreaterThanOrEqual(value);
        expect(passAtK(n, c, k + 1)!).toBeGreaterThanOrEqual(value);
        expect(passAtK(n, c, 1)).toBe(c / n);
      }),
      { seed: 4, numRuns: 300 },
    );
  });

  test("refuses what is no count", () => {
    expect(() => passAtK(4, 5, 1)).toThrow("passAtK: c must be an integer of 0 to 4, got 5");
    expect(() => passAtK(4, 1, 0)).toThrow("k must be a positive integer, got 0");
    expect(() =>
      meanPassAtK(
        outcomeTable([
          [1, 0],
          [1, 0, 0],
        ]),
        3,
      ),
    ).toThrow("k must be at most the 2 samples of problem 0, got 3");
  });
});

describe("tables", () => {
  test("flat and nested forms are the same table", () => {
    const flat = { correct: Uint8Array.of(1, 0, 0, 0, 1, 1), samples: 3 };
    const rows = outcomeTable([
      [true, false, false],
      [0, 1, 1],
    ]);
    expect([averageAtK(flat), averageAtK(rows)]).toEqual([0.5, 0.5]);
  });

  test("what is no table is refused", () => {
    expect(() => averageAtK(outcomeTable([]))).toThrow("averageAtK: table must be at least one problem, got none");
    expect(() => averageAtK(outcomeTable([[1], []]))).toThrow("samples of problem 1 must be at least 1, got 0");
    expect(() => averageAtK(outcomeTable([[1], [0.5]]))).toThrow("correct of problem 1, sample 0 must be 0 or 1, got 0.5");
    expect(() => averageAtK({ correct: [1, 0, 1], samples: 2 })).toThrow("samples must be a divisor of the 3 outcomes, got 2");
    expect(() => averageAtK({ correct: [1, 0, 1], samples: [1, 1] })).toThrow("numbers that add up to the 3 outcomes, got a sum of 2");
    expect(() => averageAtK(outcomeTable([[1], [0]], ["a"]))).toThrow("ids must be one per problem (2), got 1");
  });
});

describe("bootstrap", () => {
  const half = Float64Array.from({ length: 400 }, (_, i) => i % 2);

  test("agrees with the normal approximation where that is good", () => {
    const { low, high } = bootstrapInterval(half, { seed: 1 });
    const wide = 1.96 * Math.sqrt(0.25 / 400);
    expectClose([low, high], [0.5 - wide, 0.5 + wide], { atol: 0.006 });
    const narrow = bootstrapInterval(half, { seed: 1, confidence: 0.5 });
    expectClose([narrow.high - narrow.low], [2 * 0.6745 * Math.sqrt(0.25 / 400)], { atol: 0.006 });
  });

  test("one seed, one interval; another seed, another", () => {
    const at = (seed: number) => bootstrapInterval(half.subarray(0, 37), { seed, resamples: 500 });
    expect(at(7)).toEqual(at(7));
    expect(at(8)).not.toEqual(at(7));
  });

  test("covers the true mean about as often as it says", () => {
    const random = xoroshiro128plus(99);
    let covered = 0;
    for (let trial = 0; trial < 300; trial++) {
      const values = Float64Array.from({ length: 60 }, () => uniformFloat64(random));
      const { low, high } = bootstrapInterval(values, { seed: trial, resamples: 300 });
      if (low <= 0.5 && 0.5 <= high) covered++;
    }
    expect(covered / 300).toBeGreaterThan(0.9);
    expect(covered / 300).toBeLessThan(0.99);
  });

  test("one problem or equal values give a point", () => {
    expect(bootstrapInterval([0.25], { seed: 3 })).toEqual({ low: 0.25, high: 0.25 });
    expect(bootstrapInterval([1, 1, 1], { seed: 3 })).toEqual({ low: 1, high: 1 });
  });

  test("wrong options are refused", () => {
    expect(() => bootstrapInterval([], { seed: 1 })).toThrow("bootstrapInterval: values must be at least one, got none");
    expect(() => bootstrapInterval([1, NaN], { seed: 1 })).toThrow("values[1] must be a finite number, got NaN");
    expect(() => bootstrapInterval([1], { seed: 0.5 })).toThrow("seed must be a 32-bit integer, got 0.5");
    expect(() => bootstrapInterval([1], { seed: 1, resamples: 10 })).toThrow("resamples must be an integer of at least 100, got 10");
    expect(() => bootstrapInterval([1], { seed: 1, confidence: 95 })).toThrow("confidence must be between 0 and 1, got 95");
  });
});

describe("summary", () => {
  const rows = [
    [1, 1],
    [0, 1],
    [0, 0],
    [1, 0],
    [0, 0],
  ];
  const labels = ["easy", "easy", "hard", "easy", "hard"];

  test("by label, each as if it were alone", () => {
    const { overall, byLabel } = summarize({ table: outcomeTable(rows), labels, seed: 5 });
    expect(overall.problems).toBe(5);
    expect(overall.averageAtK.value).toBeCloseTo(0.4, 12);
    expect(
      byLabel.map(({ label, problems, solveNone, solveAll }) => ({
        label,
        problems,
        solveNone,
        solveAll,
      })),
    ).toEqual([
      { label: "easy", problems: 3, solveNone: 0, solveAll: 1 },
      { label: "hard", problems: 2, solveNone: 2, solveAll: 0 },
    ]);
    const easy = summarize({
      table: outcomeTable([rows[0]!, rows[1]!, rows[3]!]),
      seed: 5,
    }).overall;
    expect(byLabel[0]).toEqual({ label: "easy", ...easy });
    expect(easy.averageAtK.low).toBeLessThan(easy.averageAtK.value);
    expect(easy.averageAtK.high).toBeGreaterThan(easy.averageAtK.value);
  });

  test("chosen k, ascending; what does not fit is refused", () => {
    const table = outcomeTable(rows);
    expect(summarize({ table, seed: 1, passAt: [2, 1] }).overall.passAtK.map(({ k }) => k)).toEqual([1, 2]);
    expect(() => summarize({ table, seed: 1, passAt: [4] })).toThrow("summarize: k must be at most the 2 samples of problem 0, got 4");
    expect(() => summarize({ table, seed: 1, labels: ["easy"] })).toThrow("labels must be one per problem (5), got 1");
  });
});

describe("comparison", () => {
  const rows = (p: number, seed: number) => {
    const random = xoroshiro128plus(seed);
    return Array.from({ length: 80 }, (_, problem) => Array.from({ length: 8 }, () => Number(uniformFloat64(random) < p * (problem / 80))));
  };

  test("a problem-by-problem gain, with pairs kept together", () => {
    const baseline = outcomeTable([
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ]);
    const candidate = outcomeTable([
      [1, 0, 0, 0],
      [1, 1, 1, 0],
      [1, 1, 1, 1],
      [0, 0, 0, 1],
    ]);
    const result = compareRuns({ baseline, candidate, seed: 1 });
    expect(result).toMatchObject({
      difference: 0.0625,
      better: 2,
      worse: 1,
      equal: 1,
      excludesZero: false,
    });
    const shifted = compareRuns({
      baseline: outcomeTable([
        [0, 0, 0, 1],
        [1, 0, 0, 1],
      ]),
      candidate: outcomeTable([
        [0, 0, 1, 1],
        [1, 1, 0, 1],
      ]),
      seed: 1,
    });
    expect(shifted).toMatchObject({
      difference: 0.25,
      interval: { low: 0.25, high: 0.25 },
      excludesZero: true,
    });
  });

  test("a run against itself and against a clearly better one", () => {
    const table = outcomeTable(rows(0.5, 1));
    expect(compareRuns({ baseline: table, candidate: table, seed: 1 })).toMatchObject({
      difference: 0,
      interval: { low: 0, high: 0 },
      excludesZero: false,
      equal: 80,
    });
    const gain = compareRuns({ baseline: table, candidate: outcomeTable(rows(0.9, 2)), seed: 1 });
    expect(gain.excludesZero).toBe(true);
    const back = compareRuns({ baseline: outcomeTable(rows(0.9, 2)), candidate: table, seed: 1 });
    expectClose([back.difference, back.interval.low, back.interval.high], [-gain.difference, -gain.interval.high, -gain.interval.low], {
      atol: 1e-12,
    });
    expect([back.excludesZero, back.better, back.worse]).toEqual([true, gain.worse, gain.better]);
  });

  test("other problems are refused", () => {
    const one = outcomeTable([[1], [0]], ["a", "b"]);
    const compare = (candidate: ReturnType<typeof outcomeTable>) => () => compareRuns({ baseline: one, candidate, seed: 1 });
    expect(compare(outcomeTable([[1]], ["a"]))).toThrow(
      "compareRuns: candidate must be about the 2 problems of the baseline, got 1 problems",
    );
    expect(compare(outcomeTable([[1], [0]], ["b", "a"]))).toThrow(
      'ids[0] of the candidate must be "a" as in the baseline, got "b". Put both tables in the same order',
    );
    expect(compare(outcomeTable([[1], [0]]))).toThrow("ids must be given for both tables or for none, got one table with ids");
  });
});
