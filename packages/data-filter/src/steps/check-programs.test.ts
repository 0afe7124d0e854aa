import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVerifierPool, probeIsolation } from "@longcot/verifiers";
import { afterAll, describe, expect, test } from "vitest";
import { runPipeline } from "../run-pipeline.ts";
import { checkPrograms, type ProgramCheckOptions } from "./check-programs.ts";

const isConfined = await probeIsolation().then(
  ({ level }) => level === "full",
  () => false,
);
const folder = mkdtempSync(join(tmpdir(), "longcot-programs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const sum = { inputs: ["1 2\n", "5 6\n"], outputs: ["3\n", "11\n"] };
const ADDS = "a, b = map(int, input().split())\nprint(a + b)";
const SUBTRACTS = ADDS.replace("+", "-");
const row = (tests: object, solution: unknown) => ({
  prompt: [{ role: "user", content: "Add." }],
  data_source: "made",
  ability: "code",
  reward_model: { ground_truth: JSON.stringify(tests) },
  solution,
});
const input = join(folder, "code.jsonl");
writeFileSync(
  input,
  [
    row(sum, ADDS),
    row(sum, SUBTRACTS),
    row(sum, `Explained:\n\`\`\`python\n${ADDS}\n\`\`\``),
    row(sum, [SUBTRACTS, ADDS]),
    row(sum, "while True: pass"),
    row(sum, undefined),
    row({ inputs: ["1 2\n"], outputs: [] }, ADDS),
    { ...row(sum, "irrelevant"), ability: "math", reward_model: { ground_truth: "3" } },
  ]
    .map((one) => `${JSON.stringify(one)}\n`)
    .join(""),
);
const run = async (name: string, options: Omit<ProgramCheckOptions, "pool">) => {
  await using pool = createVerifierPool({ jobs: 2, code: { cpuTimeS: 1, wallTimeS: 6 } });
  return await runPipeline({
    sources: [{ files: [input] }],
    steps: [checkPrograms({ pool, ...options })],
    output: join(folder, `${name}.jsonl`),
    folder: join(folder, name),
  });
};

describe.skipIf(!isConfined)(`reference solutions${isConfined ? "" : " (left out: they need bubblewrap)"}`, () => {
  test("one that fails its tests and tests that cannot be run go; of several solutions one must pass", { timeout: 60_000 }, async () => {
    const store = join(folder, "verdicts.jsonl");
    const { steps, examples } = await run("keep", { store });
    expect(steps[1]).toMatchObject({ dropped: { "reference-fails": 2, "broken-tests": 1 }, facts: { passes: 3, without_solution: 1 } });
    expect(examples.map(({ fileRow, detail }) => [fileRow, detail.split(",")[0]])).toEqual([
      [6, "inputs and outputs must both be lists that are not empty"],
      [1, "wrong"],
      [4, "timeout"],
    ]);
    const verdicts = readFileSync(store, "utf8");
    const again = await run("drop", { store, withoutSolution: "drop" });
    expect(again.steps[1]!.dropped).toEqual({ "reference-fails": 2, "broken-tests": 1, "no-reference": 1 });
    expect(readFileSync(store, "utf8"), "nothing runs twice").toBe(verdicts);
  });
});
