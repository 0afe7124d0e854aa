import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { loadPrompts } from "./load-prompts.ts";
import { runPipeline, type PipelineOptions } from "./run-pipeline.ts";
import { checkAnswers } from "./steps/check-answers.ts";
import { checkSchema } from "./steps/check-schema.ts";
import { checkStatements } from "./steps/check-statements.ts";
import { dropContaminated } from "./steps/drop-contaminated.ts";
import { dropDuplicates } from "./steps/drop-duplicates.ts";
import type { FilterStep } from "./steps/filter-step.ts";
import { keepDifficulty } from "./steps/keep-difficulty.ts";
import { limitPrompts } from "./steps/limit-prompts.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-pipeline-"));
afterAll(() => rmSync(folder, { recursive: true }));
let runs = 0;
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/dataset/${name}`, import.meta.url));
const written = (name: string, rows: readonly object[]) => {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
};
const run = (options: Omit<PipelineOptions, "folder" | "output"> & Partial<PipelineOptions>) => {
  const name = `run-${runs++}`;
  return runPipeline({ folder: join(folder, name), output: join(folder, `${name}.parquet`), ...options });
};
const row = (changes: object = {}) => ({
  data_source: "s",
  prompt: [{ role: "user", content: "What is 2 + 3?" }],
  ability: "math",
  reward_model: { style: "rule", ground_truth: '["5"]' },
  ...changes,
});

/** Two rows of the fixture are word for word rows of its benchmark beside the planted ones: its generator drew the same numbers twice. */
const UNPLANTED = [47, 179];

test("every planted defect of the data set is found under its name, and nothing else is dropped", async () => {
  type Defect = { kind: string; row: number; base: number | null };
  const defects = JSON.parse(readFileSync(fixture("defects.json"), "utf8")) as Record<"math" | "code", { defects: Defect[] }>;
  const benchmark = await loadPrompts(fixture("eval.parquet"));
  const dropped: { step: string; row: number; kind: string }[] = [];
  const repaired: { row: number; kind: string }[] = [];
  const noted = (step: FilterStep): FilterStep => ({
    ...step,
    async run(context) {
      const result = await step.run(context);
      dropped.push(...result.dropped.map(({ row, kind }) => ({ step: step.name, row, kind })));
      repaired.push(...(result.repaired ?? []));
      return result;
    },
  });
  for (const name of ["math", "code"] as const) {
    dropped.length = repaired.length = 0;
    const result = await run({
      sources: [{ files: [fixture(`${name}.parquet`)] }],
      steps: [
        checkSchema(),
        checkStatements(),
        limitPrompts({ maxTokens: 2048 }),
        dropDuplicates(),
        dropContaminated([
          { name: "eval.parquet", fingerprint: "", statements: benchmark.map(({ messages }) => messages.at(-1)!.content) },
        ]),
      ].map(noted),
    });
    const expected = defects[name].defects.filter(({ kind }) => kind !== "lookalike-not-duplicate");
    const unexplained = [...dropped, ...repaired].filter(
      (found) => !expected.some(({ kind, row, base }) => kind === found.kind && (row === found.row || base === found.row)),
    );
    expect(unexplained.map(({ row }) => row).toSorted((a, b) => a - b)).toEqual(name === "math" ? UNPLANTED : []);
    for (const { kind, row, base } of expected) {
      const found = [...dropped, ...repaired].filter((one) => one.kind === kind && (one.row === row || one.row === base));
      expect(found, `${kind} of row ${row}`).toHaveLength(1);
    }
    expect(result.rowsWritten).toBe(result.rowsRead - dropped.length);
  }
});

test("what is left is written in order in verl's schema, repairs applied, extra_info typed as it was", async () => {
  const rows = [
    row({ extra_info: { index: 7, nested: { a: 1 } } }),
    row({
      prompt: [{ role: "user", content: "What is 3 + 3?" }],
      reward_model: { style: "rule", ground_truth: "6" },
      extra_info: { index: 8, nested: null },
    }),
  ];
  const many = Array.from({ length: 18 }, (_, i) =>
    row({ prompt: [{ role: "user", content: `What is ${i} + 100?` }], extra_info: { index: i, nested: { a: i } } }),
  );
  const output = join(folder, "order.parquet");
  const { steps } = await run({ sources: [{ files: [written("order.jsonl", [...rows, ...many])] }], steps: [checkSchema()], output });
  expect(steps[1]!.repaired).toEqual({ "ground-truth-not-json": 1 });
  const read = await loadPrompts(output);
  expect(read.map(({ promptId }) => promptId)).toHaveLength(20);
  expect(read[1]).toMatchObject({ groundTruth: '["6"]', extraInfo: { index: 8, nested: null } });
  expect(read[19]).toMatchObject({
    messages: [{ role: "user", content: "What is 17 + 100?" }],
    extraInfo: { index: 17, nested: { a: 17 } },
  });
});

test("every row of a file of many chunks arrives", async () => {
  const rows = Array.from({ length: 5000 }, (_, i) =>
    row({ prompt: [{ role: "user", content: `What is ${i} + 1?` }], extra_info: { index: i } }),
  );
  const output = join(folder, "many-out.parquet");
  const result = await run({ sources: [{ files: [written("many.jsonl", rows)] }], steps: [checkSchema(), dropDuplicates()], output });
  expect([result.rowsRead, result.rowsWritten, ...result.steps.map(({ rowsIn }) => rowsIn)]).toEqual([5000, 5000, 5000, 5000, 5000]);
  expect((await loadPrompts(output)).map(({ promptId }) => Number(promptId))).toEqual(rows.map((_, i) => i));
});

test("layouts of other data sets are told by their columns, or named", async () => {
  const sources = [
    { files: [written("numina.jsonl", [{ problem: "What is 1 + 1?", solution: "It is \\boxed{2}.", answer: "2", source: "olympiads" }])] },
    {
      files: [
        written("open-instruct.jsonl", [{ messages: [{ role: "user", content: "What is 1 + 2?" }], ground_truth: "3", dataset: "rlvr" }]),
      ],
    },
    { files: [written("trl.jsonl", [{ prompt: "What is 1 + 3?", solution: "4" }])], dataSource: "trl" },
    {
      files: [written("own.jsonl", [{ q: "What is 1 + 4?", meta: { final: "5" } }])],
      dataSource: "own",
      mapping: { prompt: "q", ground_truth: "meta.final" },
    },
  ];
  writeFileSync(join(folder, "rows.csv"), 'question,answer\n"What is 1, doubled, + 4?",6\n');
  const output = join(folder, "layouts.jsonl");
  await run({ sources: [...sources, { files: [join(folder, "*.csv")], dataSource: "csv" }], steps: [checkSchema()], output });
  const read = await loadPrompts(output);
  expect(read.map(({ dataSource, messages, groundTruth }) => [dataSource, messages[0]!.content, groundTruth])).toEqual([
    ["olympiads", "What is 1 + 1?", "2"],
    ["rlvr", "What is 1 + 2?", "3"],
    ["trl", "What is 1 + 3?", "4"],
    ["own", "What is 1 + 4?", "5"],
    ["csv", "What is 1, doubled, + 4?", "6"],
  ]);
});

test("solutions that come to another answer, and problems that a model always or never solves, go", async () => {
  const rows = [
    { problem: "What is 1 + 1?", solution: "So \\boxed{2}.", answer: "2", source: "s" },
    { problem: "What is 1 + 2?", solution: "So \\boxed{4}.", answer: "3", source: "s" },
    { problem: "What is 1 + 3?", solution: "Obvious.", answer: "4", source: "s" },
  ];
  const answers = await run({ sources: [{ files: [written("solutions.jsonl", rows)] }], steps: [checkAnswers()] });
  expect(answers.steps[1]).toMatchObject({ dropped: { "answer-disagrees": 1 }, facts: { agree: 1, without_answer: 1 } });
  const failures = [0, 1, 15, 16, null].map((m, i) =>
    row({ prompt: [{ role: "user", content: `What is 2 + ${i}?` }], extra_info: { index: i, model_difficulty: { m } } }),
  );
  const band = await run({ sources: [{ files: [written("band.jsonl", failures)] }], steps: [keepDifficulty({ model: "m" })] });
  expect(band.steps[1]!.dropped).toEqual({ "difficulty-unknown": 1, "too-easy": 1, "too-hard": 1 });
});

test("an interrupted run goes on with the step that was not done; a changed option does it and what follows again", async () => {
  const ran: string[] = [];
  const step = (name: string, options: unknown, fail = false): FilterStep => ({
    name,
    options,
    async run({ count }) {
      ran.push(`${name} on ${count}`);
      if (fail) throw new Error("killed");
      return { dropped: name === "first" ? [{ row: 0, kind: "k", detail: "d" }] : [] };
    },
  });
  const options = { sources: [{ files: [written("resume.jsonl", [row(), row(), row()])] }], folder: join(folder, "resume") };
  await expect(run({ ...options, steps: [step("first", 1), step("second", 1, true)] })).rejects.toThrow("killed");
  await run({ ...options, steps: [step("first", 1), step("second", 1)] });
  await run({ ...options, steps: [step("first", 1), step("second", 1)] });
  expect(ran).toEqual(["first on 3", "second on 2", "second on 2"]);
  const again = await run({ ...options, steps: [step("first", 2), step("second", 1)] });
  expect(ran.slice(3)).toEqual(["first on 3", "second on 2"]);
  const shorter = await run({ ...options, steps: [step("first", 2)] });
  expect([again.rowsWritten, shorter.rowsWritten, shorter.steps.length]).toEqual([2, 2, 2]);
});

test("files that cannot be read are one clear error", async () => {
  const whole = readFileSync(fixture("math.parquet"));
  const half = join(folder, "half.parquet");
  writeFileSync(half, whole.subarray(0, whole.length >> 1));
  await expect(run({ sources: [{ files: [half] }], steps: [] })).rejects.toThrow(
    `${half}: expected a complete, readable file of its format, got a truncated`,
  );
  await expect(run({ sources: [{ files: [join(folder, "absent.parquet")] }], steps: [] })).rejects.toThrow("got no such file");
  await expect(run({ sources: [{ files: [join(folder, "no-*.parquet")] }], steps: [] })).rejects.toThrow("got no match");
  await expect(run({ sources: [{ files: [written("odd.jsonl", [{ x: 1 }])] }], steps: [] })).rejects.toThrow(
    "columns must be those of a known layout",
  );
});

test("where none is left the result says why, and no file pretends to hold problems", async () => {
  const output = join(folder, "none.jsonl");
  writeFileSync(output, "of an earlier run");
  const result = await run({ sources: [{ files: [written("one.jsonl", [row()])] }], steps: [dropAll], output });
  expect(result).toMatchObject({ rowsRead: 1, rowsWritten: 0, examples: [{ step: "all", kind: "k" }] });
  expect(existsSync(output)).toBe(false);
});

const dropAll: FilterStep = { name: "all", options: 0, run: async () => ({ dropped: [{ row: 0, kind: "k", detail: "d" }] }) };
