// `train --replay`: the rollouts of a run trained on again. By the run's own recipe everything comes out again; by another one the rollouts
// stay and the updates differ; what cannot fit is refused before anything is written.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import { withoutTimings } from "@longcot/train/src/run/metrics-line.ts";
import type { Metrics } from "@longcot/train/src/events.ts";
import { readRolloutFile } from "@longcot/rollout-buffer";
import { expect, inject, test } from "vitest";
import { eventsOf, runLongcot, startLongcot, TINY_MODEL } from "./longcot-process.ts";
import { readOutcome, TINY_STEPS } from "./run-outcome.ts";
import { scratchFolder } from "./scratch-folder.ts";

const { run: reference } = inject("reference");
const scratch = scratchFolder();
const replay = (source: string, run: string, ...more: string[]) => ["train", "--replay", source, "--run", run, "--json", ...more];
const metricsOf = (run: string) => readLog<Metrics>(join(run, "metrics.jsonl")).map(withoutTimings);
const stepFile = (run: string, step: number) => join(run, "rollouts", `step-${String(step).padStart(6, "0")}.arrow`);

test("by the run's own recipe the same metrics, evaluations, samples, rollouts and weights come out", async () => {
  const run = join(scratch, "same");
  const { code, stderr, ...finished } = await runLongcot(...replay(reference, run));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(readOutcome(run)).toEqual(readOutcome(reference));
  const events = eventsOf({ code, stderr, ...finished });
  expect(events).toContainEqual({
    type: "notice",
    text: `replaying the rollouts of ${reference}, ${TINY_STEPS} of ${TINY_STEPS} steps: none is generated to train on`,
  });
  expect(events.filter((event) => event.type === "phase" && event.phase === "rollout")).toEqual([]);
});

test("by another recipe the responses stay and the updates differ; killed and resumed it comes out the same", async () => {
  const sets = ["--set", "loss.clip_high=0.5", "--set", "advantages.truncated_reward=graded", "--set", "optimizer.learning_rate=0.01"];
  const [whole, killed] = [join(scratch, "other"), join(scratch, "killed")];
  expect(await runLongcot(...replay(reference, whole, ...sets))).toMatchObject({ code: 0, stderr: "" });
  const [theirs, ours] = [metricsOf(reference), metricsOf(whole)];
  expect(ours.map((line) => line["response_length/mean"])).toEqual(theirs.map((line) => line["response_length/mean"]));
  expect(ours.at(-1)!["actor/ppo_kl"]).not.toBe(theirs.at(-1)!["actor/ppo_kl"]);
  for (let step = 1; step <= TINY_STEPS; step++) {
    const [one, other] = await Promise.all([readRolloutFile(stepFile(reference, step)), readRolloutFile(stepFile(whole, step))]);
    for (const column of ["response_tokens", "rollout_log_probs", "old_log_probs"] as const)
      expect(other.viewPerToken(column).values).toEqual(one.viewPerToken(column).values);
  }

  await startLongcot(replay(reference, killed, ...sets), {
    onEvent: (event, child) => void (event.type === "step" && event.step === 3 && child.kill("SIGKILL")),
  }).done;
  const resumed = await runLongcot("train", "--resume", "--run", killed, "--json");
  expect(resumed).toMatchObject({ code: 0, stderr: "" });
  expect(readOutcome(killed)).toEqual(readOutcome(whole));
});

test("recomputed log-probabilities are of the policy as it is, so that its first update starts from itself", async () => {
  const run = join(scratch, "recomputed");
  const sets = ["--set", "optimizer.learning_rate=0.01", "--set", "stages.0.mini_batch_size=4"];
  expect(await runLongcot(...replay(reference, run, ...sets, "--set", "rollout.replay.log_probs=recomputed"))).toMatchObject({ code: 0 });
  const kept = metricsOf(run).filter((line) => line["actor/ppo_kl"] !== undefined);
  expect(kept.length).toBeGreaterThan(2);
  for (const line of kept) expect(Math.abs(line["actor/ppo_kl"]!)).toBeLessThan(1e-5);
});

test("a run that ended early is replayed as far as it goes, and says so", async () => {
  const [source, run] = [join(scratch, "short"), join(scratch, "short-replay")];
  cpSync(reference, source, { recursive: true });
  for (const step of [5, 6]) rmSync(stepFile(source, step));
  const finished = await runLongcot(...replay(source, run));
  expect(finished).toMatchObject({ code: 0, stderr: "" });
  expect(eventsOf(finished).findLast((event) => event.type === "notice")).toEqual({
    type: "notice",
    text: `the rollouts of ${source} end with step 4 of 6: so does the replay`,
  });
  expect(metricsOf(run)).toEqual(metricsOf(reference).slice(0, 4));
  expect(readLog<{ label: string; step: number }>(join(run, "evaluations.jsonl")).at(-1)).toMatchObject({ label: "final", step: 4 });
});

test("what does not fit is refused in one line, and nothing is written", async () => {
  const run = join(scratch, "refused");
  const holed = join(scratch, "holed");
  const damaged = join(scratch, "damaged");
  const empty = join(scratch, "empty");
  for (const copy of [holed, damaged, empty]) cpSync(reference, copy, { recursive: true });
  rmSync(stepFile(holed, 2));
  rmSync(join(empty, "rollouts"), { recursive: true });
  const bytes = readFileSync(stepFile(damaged, TINY_STEPS));
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(stepFile(damaged, TINY_STEPS), bytes);
  const rows = join(scratch, "rows.jsonl");
  const row = (i: number) => ({
    data_source: "sums",
    prompt: [{ role: "user", content: `${i} + ${i}` }],
    ability: "math",
    reward_model: { style: "rule", ground_truth: String(2 * i) },
  });
  writeFileSync(rows, Array.from({ length: 64 }, (_, i) => `${JSON.stringify(row(i))}\n`).join(""));
  const stage = { name: "only", steps: 2, context_length: 16, batch_size: 4, mini_batch_size: 4, group_size: 4 };
  const otherModel = ["--recipe", "finetune", "--set", `model=${TINY_MODEL}`, "--set", `data.train=${rows}`];
  otherModel.push("--set", `stages=${JSON.stringify([stage])}`);
  const cases: [string, string[], string | RegExp][] = [
    ["nowhere", [], "longcot train: --replay: expected a run's folder (one that holds recipe.yaml), got nowhere\n"],
    [
      holed,
      [],
      `longcot train: replay: ${holed} must be a run with the rollouts of its steps from 1 on, got no file of step 2, but of step 3\n`,
    ],
    [empty, [], `longcot train: replay: ${empty} must be a run with the rollouts of its steps from 1 on, got no rollout file\n`],
    [damaged, [], /^longcot train: .*step-000006\.arrow/],
    [reference, ["--set", "seed=4"], /^longcot train: replay: seed must be 3, as in the run that is replayed \(.*\), got 4\./],
    [reference, ["--set", "rollout.temperature=0.6"], /^longcot train: replay: rollout\.temperature must be 1, as in the run/],
    [reference, ["--set", "data.generate.train_per_level=16"], /^longcot train: replay: data\.generate must be \{.*, got \{/],
    [
      reference,
      [...otherModel],
      /^longcot train: replay: .*step-000001\.arrow must be prompt \d+ as data and tokenizer make it, got other tokens\./,
    ],
    [reference, ["--set", "stages.0.group_size=2"], /step-000001\.arrow must be 2 responses to prompt \d+, as stage short has, got 4/],
  ];
  for (const [source, more, message] of cases) {
    const { code, stderr } = await runLongcot(...replay(source, run, ...more));
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect({ code, written: existsSync(run) }).toEqual({ code: 1, written: false });
  }
  expect((await runLongcot("train", "--resume", "--replay", reference)).stderr).toMatch(/--replay must be left out with --resume/);
});
