// A model and data of one's own: a model of random weights never earns a reward, so every group is rejected and no step updates it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import { loadLanguageModel, score } from "@longcot/language-model";
import { openEngine } from "@longcot/tensor-kernels";
import type { Metrics } from "@longcot/train/src/events.ts";
import { beforeAll, expect, test } from "vitest";
import { eventsOf, runLongcot, TINY_MODEL, verlParquet } from "./longcot-process.ts";
import type { Finished } from "./longcot-process.ts";
import { hashFiles } from "./run-outcome.ts";
import { scratchFolder } from "./scratch-folder.ts";

const run = join(scratchFolder(), "finetune");
let finished: Finished;

beforeAll(async () => {
  const sets = [
    `model=${TINY_MODEL}`,
    `data.train=[${verlParquet("malformed")}, ${verlParquet("snappy")}]`,
    "data.max_prompt_length=64",
    "stages.0.steps=3",
    "stages.0.batch_size=4",
    "stages.0.mini_batch_size=2",
    "stages.0.group_size=2",
    "stages.0.context_length=8",
    "loss.micro_batch_tokens=256",
  ];
  finished = await runLongcot("train", "--recipe", "finetune", "--run", run, "--json", ...sets.flatMap((set) => ["--set", set]));
});

test("the run goes to its end, and says how many rows it left out and which steps learnt nothing", () => {
  expect(finished).toMatchObject({ code: 0, stderr: "" });
  const warnings = eventsOf(finished).flatMap((event) => (event.type === "warning" ? [event.text] : []));
  expect(warnings).toEqual([
    "10 of 15 rows left out; first: row 1, prompt[0].content must be a non-blank string, got a blank string",
    ...[1, 2, 3].map((step) => `step ${step}: every group is all right or all wrong, nothing to learn from; no update`),
  ]);
});

test("steps without updates have metrics, but none of the policy", () => {
  const metrics = readLog<Metrics>(join(run, "metrics.jsonl"));
  expect(metrics).toHaveLength(3);
  for (const step of metrics) {
    expect(step).toMatchObject({ "batch/kept_groups": 0, "batch/solve_none": 4, "critic/score/mean": 0, "response_length/max": 8 });
    expect(Object.keys(step).filter((name) => /^(actor|critic\/advantages)\//.test(name))).toEqual([]);
  }
});

test("the report is made all the same", () => {
  const report = readFileSync(join(run, "report", "index.html"), "utf8");
  expect(report).toContain("<svg");
  expect(report).not.toMatch(/NaN|undefined/);
});

test("the model is saved as it came, and loads again", async () => {
  const folder = join(run, "checkpoints", "step-000003", "model");
  expect(existsSync(join(folder, "tokenizer.json"))).toBe(true);
  await using engines = new AsyncDisposableStack();
  const scores = await Promise.all(
    [TINY_MODEL, folder].map(async (directory) => {
      const engine = await openEngine();
      engines.defer(() => engine.close());
      return score(await loadLanguageModel(engine, directory), [Int32Array.of(1, 2, 3, 4, 5)], { temperature: 1 });
    }),
  );
  expect(scores[1]).toEqual(scores[0]);
  expect(scores[0]![0]!.logProbs.every(Number.isFinite)).toBe(true);
});

test("resuming the finished run changes nothing", async () => {
  const before = hashFiles(run);
  expect(await runLongcot("train", "--resume", "--run", run)).toMatchObject({ code: 0, stderr: "" });
  expect(hashFiles(run)).toEqual(before);
});
