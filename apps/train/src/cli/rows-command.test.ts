import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../fixtures/cli-echo.ts", import.meta.url));
const cwd = mkdtempSync(join(tmpdir(), "longcot-rows-"));
writeFileSync(join(cwd, "in.jsonl"), "");
const FILES = ["--model", ".", "--input", "in.jsonl", "--out", "out.jsonl"];
const PATHS = { model: ".", input: "in.jsonl", out: "out.jsonl" };

const run = (...args: string[]) =>
  new Promise<{ stdout: string; stderr: string; code: number }>((resolve) => {
    const child = execFile(process.execPath, ["--conditions=longcot-source", PROGRAM, ...args], { cwd }, (_, stdout, stderr) =>
      resolve({ stdout, stderr, code: child.exitCode ?? -1 }),
    );
  });

test.each<[string[], object]>([
  [["score", ...FILES], { ...PATHS, temperature: 1, engine: "auto" }],
  [
    ["score", ...FILES, "--temperature", "0.6", "--engine", "wasm", "--threads", "1"],
    { ...PATHS, temperature: 0.6, engine: "wasm", threads: 1 },
  ],
  [["tokenize", ...FILES], PATHS],
  [
    ["generate", ...FILES, "--greedy", "--max-new-tokens", "9"],
    { ...PATHS, n: 1, maxNewTokens: 9, temperature: 1, topP: 1, seed: 0, greedy: true, engine: "auto" },
  ],
  [
    ["generate", ...FILES, "--n", "4", "--top-p", "0.9", "--top-k", "20", "--seed", "7"],
    { ...PATHS, n: 4, temperature: 1, topP: 0.9, topK: 20, seed: 7, greedy: false, engine: "auto" },
  ],
])("%j", async (args, options) => {
  const { stdout, stderr, code } = await run(...args);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  const [echoed, summary] = stdout.split("\n");
  expect(JSON.parse(echoed!)).toEqual(options);
  expect(summary).toMatch(/^2 rows in, 3 rows written to out\.jsonl in \d+\.\d s$/);
});

test("--json prints the summary for machines", async () => {
  const { stdout } = await run("tokenize", ...FILES, "--json");
  expect(JSON.parse(stdout.split("\n")[1]!)).toEqual({ rows_in: 2, rows_out: 3, out: "out.jsonl", seconds: expect.any(Number) });
});

test.each<[string[], string]>([
  [["score", "--input", "in.jsonl", "--out", "o"], "longcot score: required option '--model <dir>' not specified\n"],
  [
    ["score", "--model", "none", "--input", "in.jsonl", "--out", "o"],
    'longcot score: model: expected a folder that exists, or owner/name of a model on the hub, got "none"\n',
  ],
  [
    ["score", "--model", ".", "--input", "none", "--out", "o"],
    "longcot score: option '--input <file>' argument 'none' is invalid. Expected a file that exists.\n",
  ],
  [
    ["score", ...FILES, "--temperature", "0"],
    "longcot score: option '--temperature <τ>' argument '0' is invalid. Expected a number above 0.\n",
  ],
  [
    ["generate", ...FILES, "--top-p", "1.5"],
    "longcot generate: option '--top-p <p>' argument '1.5' is invalid. Expected a number above 0 and at most 1.\n",
  ],
  [["generate", ...FILES, "--n", "2.5"], "longcot generate: option '--n <K>' argument '2.5' is invalid. Expected a whole number from 1.\n"],
  [
    ["score", ...FILES, "--engine", "cuda"],
    "longcot score: option '--engine <name>' argument 'cuda' is invalid. Allowed choices are auto, tensorflow-gpu, tensorflow, wasm.\n",
  ],
  [["grade", "--input", "in.jsonl"], "longcot grade: required option '--out <file>' not specified\n"],
  [["generate", ...FILES, "--greedy", "--top-k", "4"], "longcot generate: option '--greedy' cannot be used with option '--top-k <k>'\n"],
  [["generate", ...FILES, "--greedy", "--seed", "1"], "longcot generate: option '--greedy' cannot be used with option '--seed <s>'\n"],
])("%j is refused", async (args, stderr) => {
  expect(await run(...args)).toEqual({ stdout: "", stderr, code: 1 });
});
