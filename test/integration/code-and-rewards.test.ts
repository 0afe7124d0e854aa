// Training on programs, and by a reward function of one's own.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import type { Metrics } from "@longcot/train/src/events.ts";
import { probeIsolation } from "@longcot/verifiers";
import { describe, expect, test } from "vitest";
import { eventsOf, runLongcot, TINY_MODEL } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const scratch = scratchFolder();
const isolation = await probeIsolation().catch(() => undefined);
const isFull = isolation?.level === "full";

const data = join(scratch, "code.jsonl");
const rows = [1, 2, 3, 4].map((index) => ({
  data_source: "squares",
  prompt: [{ role: "user", content: `Print the square of the number on standard input, problem ${index}.` }],
  ability: "code",
  reward_model: { style: "rule", ground_truth: JSON.stringify({ inputs: ["3\n"], outputs: ["9\n"] }) },
  extra_info: { index },
}));
writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

const train = (run: string, ...sets: string[]) => {
  const small = ["steps=2", "batch_size=4", "mini_batch_size=4", "group_size=2", "context_length=8"].map((set) => `stages.0.${set}`);
  const all = [`model=${TINY_MODEL}`, `data.train=${data}`, "data.max_prompt_length=128", "loss.micro_batch_tokens=512", ...small, ...sets];
  return runLongcot("train", "--recipe", "finetune", "--run", run, "--json", ...all.flatMap((set) => ["--set", set]));
};

describe.skipIf(!isFull)(`programs${isFull ? "" : " (left out: they need bubblewrap)"}`, () => {
  test("prompts of ability code are trained on, and the run says how programs are confined", async () => {
    const run = join(scratch, "code");
    const finished = await train(run);
    expect(finished).toMatchObject({ code: 0, stderr: "" });
    const notices = eventsOf(finished).flatMap((event) => (event.type === "notice" ? [event.text] : []));
    expect(notices).toContainEqual(expect.stringContaining('programs run at isolation "full"'));
    expect(readLog<Metrics>(join(run, "metrics.jsonl"))).toMatchObject(
      [1, 2].map(() => ({ "reward/no_answer_ratio": 1, "reward/crash_ratio": 0 })),
    );
  });
});

test("a reward function of one's own is what is learnt", async () => {
  const run = join(scratch, "own");
  const path = join(scratch, "reward.ts");
  writeFileSync(
    path,
    "export const compute_score = (source: string, solution: string): number => (source === 'squares' ? new Set(solution).size : NaN);\n",
  );
  const finished = await train(run, `verifier.reward_function={path: ${path}}`, "advantages.truncated_reward=graded");
  expect(finished).toMatchObject({ code: 0, stderr: "" });
  const metrics = readLog<Metrics>(join(run, "metrics.jsonl"));
  expect(metrics).toHaveLength(2);
  for (const step of metrics) {
    expect(step["critic/score/max"]).toBeGreaterThan(1);
    expect(step["batch/kept_groups"]).toBeGreaterThan(0);
    expect(step["actor/grad_norm"]).toBeGreaterThan(0);
  }
  expect(readFileSync(join(run, "recipe.yaml"), "utf8")).toContain("reward_function");
});

test("a reward function that is broken ends the run with its message", async () => {
  const path = join(scratch, "broken.ts");
  writeFileSync(path, "export const compute_score = () => { throw new Error('no idea'); };\n");
  const finished = await train(join(scratch, "broken"), `verifier.reward_function={path: ${path}}`, "advantages.truncated_reward=graded");
  expect(finished.code).toBe(1);
  expect(finished.stderr).toMatch(/a verdict on at least one response of the step, got crash: .*no idea/);
});
