import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadPrompts } from "@longcot/data-filter";
import { startUnreliableServer } from "@longcot/vitest-config/unreliable-server";
import { afterAll, describe, expect, test } from "vitest";
import { filterCommand } from "../cli/filter.ts";
import { runCli } from "../cli/run-cli.ts";
import { loadFilterRecipe } from "./filter-recipe.ts";
import * as work from "./run-filter.ts";

/** A Qwen2 of 130 k random parameters. */
const TINY_MODEL = fileURLToPath(new URL("../../../../packages/language-model/fixtures/tiny-qwen2", import.meta.url));
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
    ["code-tests", {}],
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

test("difficulty by a model behind a server, votes of two judges, a mix: kept between runs, in report and data card", async () => {
  // Problem `a + b` is answered rightly by the samples whose seed is below a: 4 − a of 4 fail; judge `strict` finds problems with a 9 invalid.
  const served = await startUnreliableServer(({ model, messages, seed }, number) => {
    if (number % 7 === 3) return { status: 429 };
    const [, a, b] = /What is (\d+) \+ (\d+)/.exec(messages.at(-1)!.content)!.map(Number) as [number, number, number];
    if (model === "org/small") return { text: `\\boxed{${seed! < a ? a + b : 0}}` };
    return { text: `Verdict: ${model === "strict" && b === 9 ? "invalid" : "valid"}` };
  });
  const numbers = write(
    "numbers.jsonl",
    [0, 1, 2, 3, 4].map((a) => ({
      ...problem(`What is ${a} + ${a === 2 ? 9 : 10}?`, String(a === 2 ? 11 : a + 10), 1),
      data_source: a === 1 ? "rare" : "sums",
    })),
  );
  const recipe = join(folder, "models.yaml");
  writeFileSync(
    recipe,
    `name: models
sources: [{ files: ["${numbers}"] }]
steps:
  - { step: measure-difficulty, model: org/small, server: "${served.url}", rollouts: 4 }
  - { step: difficulty, model: small, rollouts: 4 }
  - { step: votes, judges: [{ model: strict, server: "${served.url}" }, { model: mild, server: "${served.url}" }], votes: 2, keep: 3 }
mix: { sources: { rare: { repeat: 3 } } }
`,
  );
  const out = join(folder, "models");
  expect(await filter(["--recipe", recipe, "--out", out])).toBe(0);
  const asked = served.requests.length;
  const rows = await loadPrompts(join(out, "problems.parquet"));
  expect(
    rows.map(({ messages, extraInfo }) => `${messages[0]!.content} ${JSON.stringify(extraInfo["model_difficulty"])}`).toSorted(),
  ).toEqual([...Array.from({ length: 3 }, () => 'What is 1 + 10? {"small":3}'), 'What is 3 + 10? {"small":1}']);
  const report = JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as work.FilterOutcome;
  expect(report.steps.map(({ step, dropped }) => [step, dropped]).slice(1)).toEqual([
    ["measure-difficulty", {}],
    ["difficulty", { "too-easy": 1, "too-hard": 1 }],
    ["votes", { "low-quality": 1 }],
  ]);
  expect(report.mix).toEqual([
    { source: "rare", problems: 1, rows: 3 },
    { source: "sums", problems: 1, rows: 1 },
  ]);
  expect(readFileSync(join(out, "report.html"), "utf8")).toContain("Problems by failed rollouts of small: 1, 1, 1, 1, 1");
  const card = readFileSync(join(out, "README.md"), "utf8");
  expect(card).toContain(
    "## Problems by failed rollouts of small\n\n| failed | problems | |\n| --- | --- | --- |\n| 0 | 1 | dropped |\n| 1 | 1 | kept |",
  );
  expect(card).toContain("| rare | 1 | 3 |");
  // Another order of the steps starts the pipeline anew; what the models said is known.
  const swapped = readFileSync(recipe, "utf8").replace("steps:\n", "steps:\n  - { step: statements }\n");
  writeFileSync(recipe, swapped);
  expect(await filter(["--recipe", recipe, "--out", out])).toBe(0);
  expect(served.requests).toHaveLength(asked);
  await served.close();
});

test("difficulty by a model in this process: the same counts again, from its file", async () => {
  const out = join(folder, "in-process");
  const run = () =>
    filter([
      "--input",
      input,
      "--steps",
      "measure-difficulty",
      "--measure",
      TINY_MODEL,
      "--rollouts",
      "2",
      "--max-tokens",
      "8",
      "--out",
      out,
    ]);
  expect(await run()).toBe(0);
  const counts = readFileSync(join(out, "work", "failed-rollouts.jsonl"), "utf8");
  expect(counts.trim().split("\n")).toHaveLength(1 + 4);
  rmSync(join(out, "work", "problems.duckdb"));
  expect(await run()).toBe(0);
  expect(readFileSync(join(out, "work", "failed-rollouts.jsonl"), "utf8")).toBe(counts);
  const rows = await loadPrompts(join(out, "problems.parquet"));
  expect(rows.map(({ extraInfo }) => (extraInfo["model_difficulty"] as Record<string, number>)["tiny-qwen2"])).toEqual([2, 2, 2, 2]);
});

describe("wrong input", () => {
  test.each<[string, Parameters<typeof loadFilterRecipe>[0], string]>([
    ["nothing to read", {}, "options: expected --input FILE… or --recipe FILE, got neither"],
    ["an unknown step", { input: ["a"], steps: ["dedup"] }, "--steps: expected schema, statements"],
    ["a step without what it needs", { input: ["a"], steps: ["contamination"] }, "with contamination also --benchmark FILE…, got none"],
    ["a judge without a place", { input: ["a"], judges: ["judge"] }, "--judges: expected MODEL@URL"],
    ["an embedder without a place", { input: ["a"], embeddings: "e" }, "--embeddings: expected MODEL@URL"],
    [
      "embeddings without a model",
      { input: ["a"], steps: ["embedding-duplicates"] },
      "--steps: expected with embedding-duplicates also --embeddings MODEL@URL, got none",
    ],
    ["a cap for no model", { input: ["a"], maxTokens: 9 }, "--max-tokens: expected used with --measure, got 9"],
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
