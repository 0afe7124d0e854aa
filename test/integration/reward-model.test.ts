// Pairs out of a run, a reward model trained on them (interrupted or not), measured, and choosing among an evaluation's samples; the same with labelled steps.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadPreferences, loadPrompts, loadStepwise } from "@longcot/data-filter";
import { readLog } from "@longcot/durable-files";
import type { EvalOutcome } from "@longcot/train/src/eval/eval-outcome.ts";
import type { Metrics } from "@longcot/train/src/events.ts";
import { withoutTimings } from "@longcot/train/src/run/metrics-line.ts";
import { expect, inject, test } from "vitest";
import { runLongcot, startLongcot } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

/** What the tests read of the commands' `--json`. */
interface MinedPairs {
  train: { file: string; pairs: number };
  held_out: { file: string; pairs: number };
}
interface RewardOutcome {
  report: string;
  validation?: { pairs: number };
}

const { run } = inject("reference");
const scratch = scratchFolder();
const pairs = join(scratch, "pairs");
const model = join(run, "checkpoints", "step-000006", "model");
const sets = ["training.batch_size=2", "training.epochs=8", "checkpoint.every=3"].flatMap((set) => ["--set", set]);
const files = ["--pairs", join(pairs, "train.parquet"), "--validation", join(pairs, "heldout.parquet")];
const train = (folder: string) => ["reward-model", "train", "--model", model, ...files, "--run", folder, "--json", ...sets];

test("pairs: right against wrong answers to one problem, no problem on both sides of the split", async () => {
  const { code, stdout, stderr } = await runLongcot(
    "reward-model",
    "pairs",
    run,
    "--out",
    pairs,
    "--held-out",
    "0.4",
    "--per-prompt",
    "3",
    "--json",
  );
  expect(code, stderr).toBe(0);
  const mined = JSON.parse(stdout) as MinedPairs;
  expect(mined).toMatchObject({ steps: 6, responses: 96 });
  const [ours, held] = [await loadPreferences(mined.train.file), await loadPreferences(mined.held_out.file)];
  expect([ours.length, held.length]).toEqual([mined.train.pairs, mined.held_out.pairs]);
  const problems = (rows: typeof ours) => new Set(rows.map(({ prompt }) => prompt[0]!.content));
  expect([...problems(ours)].filter((problem) => problems(held).has(problem))).toEqual([]);
  for (const { prompt, chosen, rejected } of [...ours, ...held]) {
    const [a, b] = prompt.at(-1)!.content.split("+").map(Number);
    expect(chosen.startsWith("<think>") && chosen.includes("</think>")).toBe(true);
    expect(chosen).toContain(`\\boxed{${a! + b!}}`);
    expect(rejected).not.toContain(`\\boxed{${a! + b!}}`);
  }
  const again = await runLongcot("reward-model", "pairs", run, "--out", pairs);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain("--out: expected a folder without pairs");
});

test("training: measured, reported, and the same when it was interrupted", async () => {
  const whole = join(scratch, "whole");
  const { code, stdout, stderr } = await runLongcot(...train(whole));
  expect(code, stderr).toBe(0);
  const outcome = JSON.parse(stdout) as RewardOutcome;
  expect(outcome.validation!.pairs).toBeGreaterThan(0);
  expect(existsSync(join(whole, "model", "config.json"))).toBe(true);
  expect(JSON.parse(readFileSync(join(whole, "model", "config.json"), "utf8"))).toMatchObject({
    architectures: ["Qwen2ForSequenceClassification"],
  });
  const page = readFileSync(outcome.report, "utf8");
  for (const id of ["loss", "accuracy", "reliability", "scores"]) expect(page).toContain(`<figure id="${id}"`);

  const cut = join(scratch, "cut");
  const first = await startLongcot(train(cut), { stopAt: { signal: "SIGINT", rename: { nth: 8, when: "after" } } }).done;
  expect(first.code).toBe(130);
  const lines = (folder: string) => readLog<Metrics>(join(folder, "metrics.jsonl")).map(withoutTimings);
  expect(lines(cut).length).toBeGreaterThanOrEqual(2);
  expect(lines(cut).length).toBeLessThan(lines(whole).length);
  const rest = await runLongcot("reward-model", "train", "--resume", "--run", cut, "--json");
  expect(rest.code, rest.stderr).toBe(0);
  expect(lines(cut)).toEqual(lines(whole));
  expect((JSON.parse(rest.stdout) as RewardOutcome).validation).toEqual(outcome.validation);
});

test("evaluate gives the training's own figures; eval chooses among samples by it", async () => {
  const judge = join(scratch, "whole", "model");
  const out = join(scratch, "evaluation");
  const evaluated = await runLongcot(
    "reward-model",
    "evaluate",
    "--model",
    judge,
    "--pairs",
    join(pairs, "heldout.parquet"),
    "--out",
    out,
    "--json",
  );
  expect(evaluated.code, evaluated.stderr).toBe(0);
  const { accuracy } = (JSON.parse(evaluated.stdout) as { measures: { accuracy: number } }).measures;
  expect(accuracy).toBe(readLog<Metrics>(join(scratch, "whole", "metrics.jsonl")).at(-1)!["val/accuracy"]);
  expect(readFileSync(join(out, "report.html"), "utf8")).toContain('<figure id="reliability"');

  const folder = join(scratch, "eval");
  const { code, stdout, stderr } = await runLongcot("eval", "--run", run, "--k", "4", "--reward-model", judge, "--out", folder, "--json");
  expect(code, stderr).toBe(0);
  const {
    bon_at_k: best,
    bon_gain: gain,
    weighted_cons_at_k: vote,
    avg_at_k: mean,
    pass_at_k: pass,
  } = (JSON.parse(stdout) as EvalOutcome).results[0]!.overall;
  expect(best!.value).toBeLessThanOrEqual(pass.value);
  expect(vote!.value).toBeLessThanOrEqual(pass.value);
  expect(gain!.value).toBeCloseTo(best!.value - mean.value, 10);
  expect(readFileSync(join(folder, "report.html"), "utf8")).toContain("weighted cons@4");
});

test("labelled steps of a policy's answers, made in two goes; a process reward model learns them, and an evaluation and a stage use it", async () => {
  const prompts = join(scratch, "problems.jsonl");
  const rows = (await loadPrompts(join(run, "data", "train.parquet"))).slice(0, 24);
  writeFileSync(
    prompts,
    rows
      .map(({ dataSource, messages, ability, groundTruth, level }) => {
        const reward = { style: "rule", ground_truth: groundTruth };
        return `${JSON.stringify({ data_source: dataSource, prompt: messages, ability, reward_model: reward, extra_info: { level } })}\n`;
      })
      .join(""),
  );
  const out = join(scratch, "steps");
  const drawing = ["--model", model, "--prompts", prompts, "--answers", "2", "--continuations", "3", "--separator", ";", "--seed", "5"];
  const make = (folder: string) => ["reward-model", "steps", ...drawing, "--held-out", "0.25", "--out", folder, "--json"];
  const made = await runLongcot(...make(out));
  expect(made.code, made.stderr).toBe(0);
  const steps = await loadStepwise([join(out, "train.parquet"), join(out, "heldout.parquet")]);
  expect(JSON.parse(made.stdout)).toMatchObject({ answers: steps.length, steps: steps.flatMap(({ completions }) => completions).length });
  const sums = new Map(rows.map(({ messages, groundTruth }) => [messages[0]!.content, groundTruth as string]));
  for (const { prompt, completions, labels, values, separator } of steps) {
    expect(completions[0]!.startsWith("<think>")).toBe(true);
    expect(completions.slice(0, -1).some((step) => step.includes(separator))).toBe(false);
    // The last label is the verdict on the whole; soft labels are thirds.
    expect(labels.at(-1)).toBe(completions.at(-1)!.includes(`\\boxed{${sums.get(prompt[0]!.content)}}`));
    for (const value of values) expect([0, 1 / 3, 2 / 3, 1]).toContain(value);
    expect(labels).toEqual(values.map((value) => value > 0));
  }
  // A log that ends with a third of the problems and half a line is gone on from: what comes is the same.
  const again = join(scratch, "steps-again");
  const logOf = (folder: string) => readFileSync(join(folder, "answers.jsonl"), "utf8").trimEnd().split("\n");
  const log = logOf(out);
  mkdirSync(again);
  const kept = log.filter((line, i) => i === 0 || (JSON.parse(line) as { problem: number }).problem < 8);
  writeFileSync(join(again, "answers.jsonl"), `${kept.join("\n")}\n{"problem":9,"st`);
  const rest = await runLongcot(...make(again));
  expect(rest.code, rest.stderr).toBe(0);
  expect(logOf(again).toSorted()).toEqual(log.toSorted());
  const refused = await runLongcot(...make(again));
  expect(refused.stderr).toContain("--out: expected a folder without labelled steps");

  const judge = join(scratch, "process");
  const learn = ["--model", model, "--steps", join(out, "train.parquet"), "--validation", join(out, "heldout.parquet"), "--run", judge];
  const trained = await runLongcot(
    "reward-model",
    "train",
    ...learn,
    "--json",
    "--set",
    "training.batch_size=8",
    "--set",
    "training.epochs=2",
  );
  expect(trained.code, trained.stderr).toBe(0);
  const config = JSON.parse(readFileSync(join(judge, "model", "config.json"), "utf8")) as object;
  expect(config).toMatchObject({ architectures: ["Qwen2ForTokenClassification"] });
  const { step_validation: validation } = JSON.parse(trained.stdout) as { step_validation: object };
  const evaluate = (...data: string[]) =>
    runLongcot(
      "reward-model",
      "evaluate",
      "--model",
      join(judge, "model"),
      "--out",
      join(scratch, "process-evaluation"),
      "--json",
      ...data,
    );
  const evaluated = await evaluate("--steps", join(out, "heldout.parquet"));
  expect(evaluated.code, evaluated.stderr).toBe(0);
  expect((JSON.parse(evaluated.stdout) as { step_measures: object }).step_measures).toEqual(validation);
  const page = readFileSync(join(scratch, "process-evaluation", "report.html"), "utf8");
  for (const id of ["reliability", "probabilities"]) expect(page).toContain(`<figure id="${id}"`);
  expect((await evaluate("--pairs", join(pairs, "heldout.parquet"))).stderr).toContain("expected a reward model of answers");

  const folder = join(scratch, "process-eval");
  const choose = ["--reward-model", join(judge, "model"), "--aggregate", "prod", "--out", folder];
  const { code, stdout, stderr } = await runLongcot("eval", "--run", run, "--k", "2", ...choose, "--json");
  expect(code, stderr).toBe(0);
  const { bon_at_k: best, pass_at_k: pass } = (JSON.parse(stdout) as EvalOutcome).results[0]!.overall;
  expect(best!.value).toBeLessThanOrEqual(pass.value);

  const stage = join(scratch, "process-stage");
  const recipe = join(run, "recipe.yaml");
  const rewards = ["verifier", "process"].map(
    (name) => `stages.0.rewards.${name}=${name === "verifier" ? "{}" : `{ model: ${judge}/model }`}`,
  );
  const staged = await runLongcot("train", "--recipe", recipe, "--run", stage, "--json", ...rewards.flatMap((set) => ["--set", set]));
  expect(staged.code, staged.stderr).toBe(0);
  const metrics = readLog<Metrics>(join(stage, "metrics.jsonl"))[0]!;
  expect(metrics["reward/process/min"]!).toBeGreaterThanOrEqual(0);
  expect(metrics["reward/process/max"]!).toBeLessThanOrEqual(1);
});
