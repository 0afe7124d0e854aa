import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPrompts } from "@longcot/data-filter";
import { afterAll, describe, expect, test } from "vitest";
import { filterCommand } from "../cli/filter.ts";
import { runCli } from "../cli/run-cli.ts";
import { loadFilterRecipe } from "./filter-recipe.ts";
import * as work from "./run-filter.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-filter-"));
afterAll(() => rmSync(folder, { recursive: true }));
const problem = (text: string, answer: string, failed: number) => ({
  data_source: "sums",
  prompt: [{ role: "user", content: text }],
  ability: "math",
  reward_model: { style: "rule", ground_truth: answer },
  extra_info: { model_difficulty: { small: failed } },
});
const write = (name: string, rows: readonly object[]) => {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
};
const input = write("input.jsonl", [
  problem("What is 2 + 3?", "5", 4),
  problem("Question: What is 2 + 3?", "5", 4),
  problem("What is 7 + 8?", "15", 16),
  problem("What is 9 + 9?", "18", 1),
]);
const benchmark = write("benchmark.jsonl", [problem("Q1) What is 9+9?", "18", 0)]);
const filter = (args: readonly string[]) => runCli(["filter", ...args], [filterCommand(async () => ({ loadFilterRecipe, ...work }))], "0");

test("flags: problems, report, data card and what was dropped", async () => {
  const out = join(folder, "clean");
  expect(await filter(["--input", input, "--benchmark", benchmark, "--difficulty-model", "small", "--out", out])).toBe(0);
  const rows = await loadPrompts(join(out, "problems.parquet"));
  expect(rows.map(({ messages }) => messages[0]!.content)).toEqual(["What is 2 + 3?"]);
  const report = JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as work.FilterOutcome;
  expect(report.steps.map(({ step, dropped }) => [step, dropped])).toEqual([
    ["import", {}],
    ["schema", {}],
    ["statements", {}],
    ["prompt-length", {}],
    ["answers", {}],
    ["duplicates", { "near-duplicate": 1 }],
    ["contamination", { contaminated: 1 }],
    ["difficulty", { "too-hard": 1 }],
  ]);
  const page = readFileSync(join(out, "report.html"), "utf8");
  expect(page).toContain("benchmark.jsonl row 0: contains");
  expect(readFileSync(join(out, "README.md"), "utf8")).toContain("| difficulty | too-hard | 1 |");
});

test("a recipe: the same steps by name, to a file", async () => {
  const recipe = join(folder, "own.yaml");
  writeFileSync(recipe, `name: own\nsources: [{ files: ["${join(folder, "inp*.jsonl")}"] }]\nsteps: [{ step: duplicates }]\n`);
  const out = join(folder, "unique.jsonl");
  expect(await filter(["--recipe", recipe, "--out", out])).toBe(0);
  expect(await loadPrompts(out)).toHaveLength(3);
});

describe("wrong input", () => {
  test.each<[string, Parameters<typeof loadFilterRecipe>[0], string]>([
    ["nothing to read", {}, "options: expected --input FILE… or --recipe FILE, got neither"],
    ["an unknown step", { input: ["a"], steps: ["dedup"] }, "--steps: expected schema, statements"],
    ["a step without what it needs", { input: ["a"], steps: ["contamination"] }, "with contamination also --benchmark FILE…, got none"],
    ["a flag beside a recipe", { recipe: "r.yaml", input: ["a"] }, "--input: expected absent beside --recipe"],
    [
      "an unknown key",
      { input: ["a"], set: ["steps.4.treshold=1"] },
      "expected a known key, got steps.4.treshold. Did you mean steps.4.threshold?",
    ],
  ])("%s", (_, flags, message) => {
    expect(() => loadFilterRecipe(flags)).toThrow(message);
  });
});
