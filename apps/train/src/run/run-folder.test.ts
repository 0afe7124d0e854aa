import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadRecipe } from "../recipe/load-recipe.ts";
import { isTimingMetric, metricsLine, withoutTimings } from "./metrics-line.ts";
import type { SampleRecord } from "./records.ts";
import { createRunFolder, defaultRunPath, findNewestRun, openRunFolder, readRunRecipe } from "./run-folder.ts";
import type { RunFolder } from "./run-folder.ts";

const { recipe } = loadRecipe({ source: "quickstart", sets: ["checkpoint.keep=2"] });
const scratch = () => mkdtempSync(join(tmpdir(), "longcot-run-"));
const text = (run: string, file: string) => readFileSync(join(run, file), "utf8");
const sample = (step: number): SampleRecord => ({
  step,
  stage: "short",
  level: "2",
  prompt: "1+1?",
  response: ":2",
  ground_truth: "2",
  extracted: "2",
  reward: 1,
  outcome: "correct",
  finish_reason: "stop",
  response_length: 3,
});

function oneStep(run: RunFolder, step: number): void {
  run.appendSamples([sample(step)]);
  run.appendMetrics(step, { "training/stage": 1, "critic/score/mean": step / 10, "actor/entropy": 1 / step });
}

const save = (run: RunFolder, step: number) =>
  run.saveCheckpoint(step, async (folder) => {
    mkdirSync(join(folder, "model"));
    writeFileSync(join(folder, "model", "weights"), `weights of ${step}`);
    return { alpha: step / 100 };
  });

test("a run holds its resolved recipe, keeps sorted metrics, and refuses to be overwritten", async () => {
  const path = join(scratch(), "deep", "run");
  const run = await createRunFolder(path, recipe);
  oneStep(run, 1);
  run.close();
  expect(readRunRecipe(path)).toEqual(recipe);
  expect(text(path, "metrics.jsonl")).toBe('{"actor/entropy":1,"critic/score/mean":0.1,"training/global_step":1,"training/stage":1}\n');
  await expect(createRunFolder(path, recipe)).rejects.toThrow(
    `--run: expected a folder that does not exist yet, or is empty, got ${path}. Go on with that run by --resume, or choose another folder`,
  );
});

test("resume cuts every log to the checkpoint, so that the files equal an unbroken run's", async () => {
  const folder = scratch();
  const unbroken = await createRunFolder(join(folder, "unbroken"), recipe);
  for (let step = 1; step <= 5; step++) oneStep(unbroken, step);
  unbroken.close();

  const killed = await createRunFolder(join(folder, "killed"), recipe);
  killed.appendEvaluation({ label: "cold start", step: 0, samples_per_prompt: 8, temperature: 1, results: [] });
  for (let step = 1; step <= 2; step++) oneStep(killed, step);
  await save(killed, 2);
  oneStep(killed, 3);
  oneStep(killed, 4);
  killed.close();
  appendFileSync(join(folder, "killed", "metrics.jsonl"), '{"actor/ent');
  mkdirSync(join(folder, "killed", "checkpoints", ".aside-step-000004"));

  const { run, warnings } = await openRunFolder(join(folder, "killed"));
  expect(warnings).toEqual([]);
  expect(run.checkpoint).toMatchObject({ step: 2, state: { alpha: 0.02 } });
  expect(readFileSync(join(run.checkpoint!.folder, "model", "weights"), "utf8")).toBe("weights of 2");
  expect(readdirSync(join(folder, "killed", "checkpoints"))).toEqual(["step-000002"]);
  for (let step = 3; step <= 5; step++) oneStep(run, step);
  run.close();
  for (const file of ["metrics.jsonl", "samples.jsonl"])
    expect(text(join(folder, "killed"), file)).toBe(text(join(folder, "unbroken"), file));
  expect(text(join(folder, "killed"), "evaluations.jsonl")).toMatch(/^\{"label":"cold start".*\}\n$/);
});

test("a run killed before its first checkpoint begins again", async () => {
  const path = join(scratch(), "run");
  const run = await createRunFolder(path, recipe);
  oneStep(run, 1);
  run.close();
  const again = (await openRunFolder(path)).run;
  expect(again.checkpoint).toBeUndefined();
  expect(text(path, "metrics.jsonl")).toBe("");
  again.close();
});

test("checkpoints: old ones are pruned, a damaged one is passed over with a warning and replaced when its step comes again", async () => {
  const path = join(scratch(), "run");
  const run = await createRunFolder(path, recipe);
  for (const step of [0, 10, 20]) await save(run, step);
  expect(readdirSync(join(path, "checkpoints"))).toEqual(["step-000010", "step-000020"]);
  run.close();

  truncateSync(join(path, "checkpoints", "step-000020", "model", "weights"), 3);
  const again = await openRunFolder(path);
  const damaged = join(path, "checkpoints", "step-000020");
  expect(again.run.checkpoint?.step).toBe(10);
  expect(again.warnings).toEqual([`passed over a damaged checkpoint: ${damaged}: model/weights must be 13 bytes long, got 3 bytes`]);
  await save(again.run, 20);
  again.run.close();
  expect(readFileSync(join(damaged, "model", "weights"), "utf8")).toBe("weights of 20");
});

test("a checkpoint whose writing fails leaves nothing, and the one of a saved step is kept", async () => {
  const path = join(scratch(), "run");
  const run = await createRunFolder(path, recipe);
  await expect(run.saveCheckpoint(1, () => Promise.reject(new Error("disk full")))).rejects.toThrow("disk full");
  expect(readdirSync(join(path, "checkpoints"))).toEqual([]);
  await save(run, 1);
  await run.saveCheckpoint(1, () => Promise.reject(new Error("must not be called")));
  run.close();
});

test("a value that is not finite is an error and writes nothing", async () => {
  const path = join(scratch(), "run");
  const run = await createRunFolder(path, recipe);
  expect(() => run.appendMetrics(1, { "actor/entropy": 0.1, "actor/pg_loss": Number.NaN })).toThrow(
    "metrics: actor/pg_loss must be a finite number, got NaN",
  );
  run.close();
  expect(text(path, "metrics.jsonl")).toBe("");
});

test("only timing_s/ and perf/ depend on the machine", () => {
  const metrics = { "timing_s/gen": 1, "perf/throughput": 2, "actor/lr": 3 };
  expect(Object.keys(metrics).filter(isTimingMetric)).toEqual(["timing_s/gen", "perf/throughput"]);
  expect(metricsLine(withoutTimings(metrics))).toBe('{"actor/lr":3}');
});

test("a log that lost lines its checkpoint remembers is an error", async () => {
  const path = join(scratch(), "run");
  const run = await createRunFolder(path, recipe);
  oneStep(run, 1);
  await save(run, 1);
  run.close();
  truncateSync(join(path, "metrics.jsonl"), 10);
  await expect(openRunFolder(path)).rejects.toThrow(
    /metrics\.jsonl: expected at least the \d+ bytes that the checkpoint remembers, got 10 bytes/,
  );
  truncateSync(join(path, "metrics.jsonl"), 0);
  await expect(openRunFolder(path)).rejects.toThrow("got 0 bytes"); // and not "another process": the failed call freed the lock
});

test("two processes cannot train one run, and a kill -9 frees it at once", async () => {
  const path = join(scratch(), "run");
  (await createRunFolder(path, recipe)).close();
  const lockModule = fileURLToPath(new URL("run-lock.ts", import.meta.url));
  const script = `const { lockRun } = await import(${JSON.stringify(lockModule)}); lockRun(${JSON.stringify(path)}); console.log("locked"); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ["--conditions=longcot-source", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(other.stdout, "data");
  await expect(openRunFolder(path)).rejects.toThrow("--run: expected a run that no other process is training");
  other.kill("SIGKILL");
  await once(other, "exit");
  (await openRunFolder(path)).run.close();
});

test("names of runs, and the newest of them", async () => {
  expect(defaultRunPath(recipe, new Date("2026-11-23T00:16:55Z"))).toBe(join("runs", "quickstart-20261123-001655"));
  const root = scratch();
  expect(() => findNewestRun(root)).toThrow("--resume: expected a run under");
  (await createRunFolder(join(root, "only"), recipe)).close();
  expect(findNewestRun(root)).toBe(join(root, "only"));
  expect(existsSync(join(root, "only", "tensorboard"))).toBe(true);
});
