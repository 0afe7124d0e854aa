// avg@k and pass@k against fixtures/metrics.json: exact rational arithmetic in Python (see its `reference`).
import { readFileSync } from "node:fs";

import { expectClose } from "@longcot/vitest-config/close-to";
import { describe, expect, test } from "vitest";

import { averageAtK } from "./average-at-k.ts";
import { outcomeTable } from "./outcome-table.ts";
import { meanPassAtK, passAtK } from "./pass-at-k.ts";
import { summarize } from "./summarize.ts";

interface Golden {
  pass_at_k: { n: number; c: number; k: number; pass_at_k: number | null }[];
  avg_at_k: {
    name: string;
    n: number;
    correct: number[][];
    avg_at_n: number;
    first_sample_accuracy: number;
    any_of_n: number;
    all_of_n: number;
    pass_at_k: Record<string, number>;
    solve_none: number;
    solve_all: number;
  }[];
  ragged: { correct: number[][]; avg: number; pass_at_2: number };
}

const golden = JSON.parse(readFileSync(new URL("../fixtures/metrics.json", import.meta.url), "utf8")) as Golden;
const exact = { atol: 1e-12 };

test("pass@k on the whole grid, undefined where k exceeds n", () => {
  const known = golden.pass_at_k.filter((entry) => entry.pass_at_k !== null);
  const unknown = golden.pass_at_k.filter((entry) => entry.pass_at_k === null);
  expect([known.length > 100, unknown.length > 5]).toEqual([true, true]);
  expectClose(
    known.map(({ n, c, k }) => passAtK(n, c, k)!),
    known.map((entry) => entry.pass_at_k!),
    exact,
  );
  expect(unknown.map(({ n, c, k }) => passAtK(n, c, k))).toEqual(unknown.map(() => undefined));
});

describe.each(golden.avg_at_k)("$name", (expected) => {
  test("avg@k, pass@k and counts", () => {
    const table = outcomeTable(expected.correct);
    expectClose([averageAtK(table)], [expected.avg_at_n], exact);
    const ks = Object.keys(expected.pass_at_k).map(Number);
    const pass = Object.values(expected.pass_at_k);
    expectClose(
      ks.map((k) => meanPassAtK(table, k)),
      pass,
      exact,
    );

    const { overall } = summarize({ table, seed: 1, resamples: 100 });
    expectClose([overall.averageAtK.value, overall.firstSampleAccuracy], [expected.avg_at_n, expected.first_sample_accuracy], exact);
    expect(overall.passAtK.map(({ k }) => k)).toEqual(ks);
    expectClose(
      overall.passAtK.map(({ value }) => value),
      pass,
      exact,
    );
    expect(overall).toMatchObject({
      problems: expected.correct.length,
      samples: expected.correct.length * expected.n,
      solveNone: expected.solve_none,
      solveAll: expected.solve_all,
    });
    expectClose(
      [1 - overall.solveNone / overall.problems, overall.solveAll / overall.problems],
      [expected.any_of_n, expected.all_of_n],
      exact,
    );
  });
});

test("unequal numbers of samples: every problem weighs the same", () => {
  const table = outcomeTable(golden.ragged.correct);
  expectClose([averageAtK(table), meanPassAtK(table, 2)], [golden.ragged.avg, golden.ragged.pass_at_2], exact);
});
