// Supervised fine-tuning as a user runs it: rows of both forms, validation, avg@k, adapters; stopped and gone on with, it is the run that was never stopped.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConversations } from "@longcot/data-filter";
import { readLog } from "@longcot/durable-files";
import type { Metrics } from "@longcot/train/src/events.ts";
import { withoutTimings } from "@longcot/train/src/run/metrics-line.ts";
import { beforeAll, expect, test } from "vitest";
import { runLongcot, startLongcot, TINY_MODEL, TINY_RECIPE } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const folder = scratchFolder();
const start = join(folder, "start");
const examples = join(start, "data", "cold-start.parquet");
const settings = join(folder, "student.yaml");
const trained = join(folder, "trained");

beforeAll(async () => {
  const started = await runLongcot(
    "train",
    "--recipe",
    TINY_RECIPE,
    "--run",
    start,
    "--set",
    "stages.1=null",
    "--set",
    "online_filter=null",
    "--set",
    "stages.0.steps=1",
    "--set",
    "cold_start.steps=10",
  );
  if (started.code !== 0) throw new Error(started.stderr);
  writeFileSync(
    settings,
    `name: student
seed: 3
model: { hidden_size: 32, intermediate_size: 64, layers: 1, attention_heads: 2, key_value_heads: 1, max_position_embeddings: 64 }
tokenizer: ${join(start, "data", "tokenizer")}
data: { train: ${examples}, validation_fraction: 0.1, problems: ${join(start, "data", "heldout.parquet")} }
training: { steps: 24, batch_size: 16, learning_rate: 1.0e-2, warmup: 4 }
evaluation: { samples_per_prompt: 2, every: 8 }
checkpoint: { every: 10, keep: 2 }
`,
  );
  const finished = await runLongcot("sft", "--recipe", settings, "--run", trained, "--json");
  if (finished.code !== 0) throw new Error(finished.stderr);
});

const metricsOf = (run: string): Metrics[] => readLog<Metrics>(join(run, "metrics.jsonl")).map(withoutTimings);
const evaluationsOf = (run: string) => readFileSync(join(run, "evaluations.jsonl"), "utf8");

test("the loss falls, on held-out examples too, and every evaluation is kept", () => {
  const metrics = metricsOf(trained);
  expect(metrics).toHaveLength(24);
  expect(readFileSync(join(trained, "report", "index.html"), "utf8")).toContain("24 of 24 steps");
  expect(metrics.at(-1)!["train/loss"]!).toBeLessThan(0.6 * metrics[0]!["train/loss"]!);
  const records = readLog<{ step: number; label: string; validation_loss: number; results: { level: string }[] }>(
    join(trained, "evaluations.jsonl"),
  );
  expect(records.map(({ step, label }) => [step, label])).toEqual([
    [0, "start"],
    [8, "step 8"],
    [16, "step 16"],
    [24, "final"],
  ]);
  expect(records.at(-1)!.validation_loss).toBeLessThan(0.6 * records[0]!.validation_loss);
  expect(records[0]!.results.map(({ level }) => level)).toEqual(["1", "2", "all"]);
  expect(existsSync(join(trained, "model", "model.safetensors"))).toBe(true);
});

// Of the renames of a run the 10th comes after the checkpoint of step 10 has begun: its weights, moments, folder and link.
test.each([
  ["SIGINT", 10, 130],
  ["SIGKILL", 12, null],
] as const)("stopped by %s and gone on with, it has the same metrics, evaluations and weights", async (signal, nth, code) => {
  const run = join(folder, signal);
  const stopped = await startLongcot(["sft", "--recipe", settings, "--run", run], { stopAt: { signal, rename: { nth, when: "after" } } })
    .done;
  expect(stopped.code).toBe(code);
  expect(metricsOf(run).length).toBeLessThan(24);
  expect(metricsOf(run).length).toBeGreaterThan(0);
  expect(await runLongcot("sft", "--resume", "--run", run)).toMatchObject({ code: 0 });
  expect(metricsOf(run)).toEqual(metricsOf(trained));
  expect(evaluationsOf(run)).toBe(evaluationsOf(trained));
  const weights = (of: string) => readFileSync(join(of, "model", "model.safetensors"));
  expect(weights(run).equals(weights(trained))).toBe(true);
});

test("prompt and completion as texts, adapters, and what is refused", async () => {
  const rows = join(folder, "rows.jsonl");
  writeFileSync(
    rows,
    [
      ["1+2=", "3"],
      ["2+2=", "4"],
      ["5+5=", "10"],
    ]
      .map(([prompt, completion]) => `${JSON.stringify({ prompt, completion })}\n`)
      .join(""),
  );
  const run = join(folder, "adapters");
  const sets = ["lora={rank: 2, alpha: 4}", "training.epochs=2", "training.batch_size=2"].flatMap((set) => ["--set", set]);
  const finished = await runLongcot("sft", "--model", TINY_MODEL, "--data", rows, "--run", run, "--json", ...sets);
  expect(finished).toMatchObject({ code: 0 });
  expect(JSON.parse(finished.stdout)).toMatchObject({ examples: 3, steps: 4, epochs: 2, model: join(run, "model") });
  expect(existsSync(join(run, "model", "adapter_model.safetensors"))).toBe(true);

  const twice = await runLongcot("sft", "--model", TINY_MODEL, "--data", rows, "--run", run);
  expect(twice).toMatchObject({ code: 1, stderr: expect.stringContaining("Go on with that run by --resume") });
  const long = await runLongcot("sft", "--model", TINY_MODEL, "--data", rows, "--run", join(folder, "x"), "--set", "data.max_length=2");
  expect(long).toMatchObject({ code: 1, stderr: expect.stringContaining("an example of at most 2 tokens, got 3, all longer") });
  const both = await runLongcot("sft", "--model", TINY_MODEL, "--data", rows, "--set", "training.epochs=2", "--set", "training.steps=2");
  expect(both).toMatchObject({ code: 1, stderr: expect.stringContaining("training.steps must be absent beside training.epochs, got 2") });
  expect(existsSync(join(folder, "x"))).toBe(false);
  expect((await loadConversations(examples)).length).toBe(32);
});

test("a teacher's distributions: scored once into Arrow beside the tokens, gone on with; another tokenizer is refused", async () => {
  const run = join(folder, "taught");
  const teach = [
    "--recipe",
    settings,
    "--teacher",
    join(trained, "model"),
    "--set",
    "teacher.divergence=jsd",
    "--set",
    "training.steps=12",
  ];
  const stopped = await startLongcot(["sft", ...teach, "--run", run], { stopAt: { signal: "SIGINT", rename: { nth: 6, when: "after" } } })
    .done;
  expect(stopped.code).toBe(130);
  expect(existsSync(join(run, "teacher-scores.arrow"))).toBe(true);
  expect(await runLongcot("sft", "--resume", "--run", run)).toMatchObject({ code: 0 });
  const divergences = metricsOf(run).map((step) => step["train/divergence"]!);
  expect(divergences).toHaveLength(12);
  expect(divergences.at(-1)!).toBeLessThan(0.5 * divergences[0]!);
  const other = await runLongcot("sft", ...teach, "--teacher", TINY_MODEL, "--run", join(folder, "other"));
  expect(other).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/tokenizer must be that of the student student, where token \d+ is/),
  });
});

test("on-policy distillation: the sampled reverse KL to the teacher falls, as a reward and as a loss", async () => {
  const student = join(start, "checkpoints", "step-000001", "model");
  const sets = [
    `model=${student}`,
    `kl.reference=${join(trained, "model")}`,
    `data.train=${join(start, "data", "train.parquet")}`,
    "data.max_prompt_length=16",
    "stages.0.steps=12",
    "stages.0.context_length=16",
    "stages.0.batch_size=16",
    "stages.0.mini_batch_size=16",
    "optimizer.learning_rate=1e-2",
    "checkpoint.every=100",
  ];
  for (const more of [[], ["kl.in=loss", "kl.estimator=k1+"]]) {
    const run = join(folder, `on-policy-${more.length}`);
    const finished = await runLongcot(
      "train",
      "--recipe",
      "on-policy-distillation",
      "--run",
      run,
      "--json",
      ...[...sets, ...more].flatMap((set) => ["--set", set]),
    );
    expect(finished.stderr).toBe("");
    const name = more.length === 0 ? "actor/reward_kl_penalty" : "actor/kl_loss";
    const divergences = metricsOf(run).map((step) => step[name]!);
    expect(divergences).toHaveLength(12);
    expect(divergences.at(-1)!).toBeLessThan(0.7 * divergences[0]!);
  }
  const other = await runLongcot(
    "train",
    "--recipe",
    "on-policy-distillation",
    ...[...sets, `kl.reference=${TINY_MODEL}`].flatMap((set) => ["--set", set]),
    "--run",
    join(folder, "y"),
  );
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining("tokenizer must be that of the student") });
});
