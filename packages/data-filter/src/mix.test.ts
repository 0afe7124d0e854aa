import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadPrompts } from "./load-prompts.ts";
import { sharesOf, type MixOptions } from "./mix.ts";
import { runPipeline } from "./run-pipeline.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-mix-"));
afterAll(() => rmSync(folder, { recursive: true }));
const counts = new Map([
  ["code-leetcode", 27],
  ["code-taco", 110],
  ["math", 1050],
]);
const rows = (mix: MixOptions) => sharesOf(counts, mix).map((source) => source.rows);

test("repeats: whole ones, parts, none; what is not named is written once", () => {
  expect(rows({ sources: { "code-*": { repeat: 2 } } })).toEqual([54, 220, 1050]);
  expect(rows({ sources: { "code-taco": { repeat: 1.5 }, math: { repeat: 0 } } })).toEqual([27, 165, 0]);
  expect(rows({ sources: { "code-taco": { repeat: 3 }, "code-*": { repeat: 2 } } }), "the first pattern that fits").toEqual([
    54, 330, 1050,
  ]);
});

test("weights: shares of all rows, as many as there are without writing a problem twice", () => {
  const sources = { "code-leetcode": { weight: 1 }, "code-taco": { weight: 2 }, math: { weight: 7 } };
  expect(rows({ sources })).toEqual([27, 54, 189]);
  expect(rows({ sources, rows: 1001 })).toEqual([100, 200, 701]);
});

describe("wrong options", () => {
  test.each<[string, MixOptions, string]>([
    [
      "a pattern of nothing",
      { sources: { chemistry: { repeat: 2 } } },
      "patterns that fit a source (code-leetcode, code-taco, math), got chemistry",
    ],
    ["both", { sources: { math: { repeat: 2 }, "code-*": { weight: 1 } } }, "all repeats or all weights, got both"],
    ["a source without a weight", { sources: { math: { weight: 2 } } }, "a weight for every source, got none for code-leetcode"],
    ["rows with repeats", { sources: { math: { repeat: 2 } }, rows: 9 }, "absent, since repeats say how many rows there are, got 9"],
    ["below 0", { sources: { math: { repeat: -1 } } }, "a number from 0 on, got -1"],
    ["no weight at all", { sources: { "*": { weight: 0 } } }, "a weight above 0, got none"],
  ])("%s", (_, mix, message) => {
    expect(() => sharesOf(counts, mix)).toThrow(message);
  });
});

test("written: every problem as often as its source says, in a keyed order that is the same again", async () => {
  const input = join(folder, "two.jsonl");
  const problems = Array.from({ length: 40 }, (_, i) => ({
    problem: `What is ${i}+1?`,
    answer: String(i + 1),
    source: i % 4 === 0 ? "a" : "b",
  }));
  writeFileSync(input, problems.map((problem) => `${JSON.stringify(problem)}\n`).join(""));
  const mixed = async (name: string, mix: MixOptions) => {
    const output = join(folder, `${name}.jsonl`);
    const result = await runPipeline({ sources: [{ files: [input] }], steps: [], mix, output, folder: join(folder, name) });
    return { result, statements: (await loadPrompts(output)).map(({ messages }) => messages[0]!.content) };
  };
  const sources = { a: { repeat: 2.5 }, b: { repeat: 0.5 } };
  const first = await mixed("first", { sources });
  expect(first.result).toMatchObject({
    rowsWritten: 40,
    mix: [
      { source: "a", problems: 10, rows: 25 },
      { source: "b", problems: 30, rows: 15 },
    ],
  });
  const times = Object.values(Object.groupBy(first.statements, (statement) => statement)).map((same) => same!.length);
  expect([1, 2, 3].map((n) => times.filter((count) => count === n).length)).toEqual([15, 5, 5]);
  expect((await mixed("again", { sources })).statements).toEqual(first.statements);
  const other = (await mixed("other", { sources, seed: 1 })).statements;
  expect(other).not.toEqual(first.statements);
  const inOrder = (await mixed("in-order", { sources, shuffle: false })).statements;
  expect(inOrder).toEqual(inOrder.toSorted((a, b) => Number(/\d+/.exec(a)) - Number(/\d+/.exec(b))));
  expect(inOrder.toSorted()).toEqual(first.statements.toSorted());
});
