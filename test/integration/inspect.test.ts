// `longcot inspect` on the reference run: what it says is what the run's own records say.
import { cpSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { parquetReadObjects } from "hyparquet";
import { readLog } from "@longcot/durable-files";
import type { Metrics } from "@longcot/train/src/events.ts";
import { expect, inject, test } from "vitest";
import { runLongcot } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const { run } = inject("reference");
const scratch = scratchFolder();
const metrics = readLog<Metrics>(join(run, "metrics.jsonl"));

async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await runLongcot("inspect", ...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as T;
}

interface Step {
  step: number;
  state: string;
  reward_mean: number;
  response_length_mean: number;
  truncated_ratio: number;
  groups_with_signal: number;
}

test("the steps of a run, as its metrics have them; of a crashed one with a damaged file", async () => {
  const seen = await json<{ status: string; steps_done: number; steps: Step[] }>(run);
  expect(seen).toMatchObject({ recipe: "tiny", status: "finished", steps_done: 6, total_steps: 6 });
  for (const [i, step] of seen.steps.entries()) {
    expect(step).toMatchObject({ step: i + 1, state: "trained", reward_mean: metrics[i]!["critic/score/mean"], groups: 4 });
    expect(step.response_length_mean).toBe(metrics[i]!["response_length/mean"]);
    expect(step.truncated_ratio).toBe(metrics[i]!["response_length/clip_ratio"]);
    expect(step.groups_with_signal).toBe(4 - metrics[i]!["batch/solve_none"]! - metrics[i]!["batch/solve_all"]!);
  }
  const crashed = join(scratch, "crashed");
  cpSync(run, crashed, { recursive: true });
  rmSync(join(crashed, "checkpoints"), { recursive: true });
  rmSync(join(crashed, "metrics.jsonl"));
  truncateSync(join(crashed, "rollouts", "step-000003.arrow"), 999);
  const { code, stdout, stderr } = await runLongcot("inspect", crashed);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/crashed: recipe tiny, stopped, 0 of 6 steps done\n/);
  expect(stdout).toMatch(/\n {3}1 {2}scored /);
  expect(stdout).toMatch(/\n {3}3 {2}damaged .*truncated\n/);
  expect((await runLongcot("inspect", crashed, "--step", "3")).stderr).toMatch(/step-000003\.arrow must be a whole rollout file/);
});

test("groups, samples and their text, in colour where asked; what is not there is said", async () => {
  const step = await json<{ groups_of_step: { prompt_id: number; rewards: number[] }[] }>(run, "--step", "2");
  const { prompt_id: prompt, rewards } = step.groups_of_step[0]!;
  const group = await json<{
    prompt: string;
    samples: { reward: number; response: string; response_tokens: number[]; entropies: number[] }[];
  }>(run, "--step", "2", "--prompt", String(prompt));
  expect(group.samples.map(({ reward }) => reward)).toEqual(rewards);
  for (const { response_tokens: tokens, entropies } of group.samples) expect(entropies).toHaveLength(tokens.length);
  const colored = await runLongcot("inspect", run, "--step", "2", "--prompt", String(prompt), "--sample", "1", "--color", "always");
  const text = stripVTControlCharacters(colored.stdout);
  expect(colored.stdout).not.toBe(text);
  expect(text).toContain(`${group.prompt}\n`);
  expect(text).toContain(`\n${group.samples[1]!.response}\n`);
  expect(text).not.toContain("sample 0");
  expect(await json(run, "--prompt", String(prompt))).toMatchObject({
    prompt_id: prompt,
    steps: expect.arrayContaining([expect.objectContaining({ step: 2 })]),
  });
  expect((await runLongcot("inspect", run, "--step", "9")).stderr).toBe(
    "longcot inspect: --step: expected a step with rollouts, from 1 to 6, got 9\n",
  );
  expect((await runLongcot("inspect", run, "--step", "2", "--prompt", "9999")).stderr).toMatch(
    /^longcot inspect: --prompt: expected one of [\d, ]+, got 9999\n$/,
  );
});

test("rows with texts as parquet and JSON lines, the same in both", async () => {
  const [parquet, lines] = [join(scratch, "rows.parquet"), join(scratch, "rows.jsonl")];
  expect(await json(run, "--export", parquet)).toEqual({ file: parquet, rows: 96 });
  expect(await json(run, "--export", lines)).toEqual({ file: lines, rows: 96 });
  const bytes = readFileSync(parquet);
  const fromParquet = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) });
  const fromLines = readLog<Record<string, unknown>>(lines);
  // The reader gives an absent list as undefined.
  const withNulls = fromParquet.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? null])));
  expect(withNulls).toEqual(fromLines);
  expect(fromLines[0]).toMatchObject({ step: 1, data_source: "arithmetic-addition", level: 1, ref_log_probs: null });
  expect((await runLongcot("inspect", run, "--export", join(scratch, "rows.csv"))).stderr).toMatch(
    /--export: expected a \.jsonl or \.parquet file/,
  );
});
