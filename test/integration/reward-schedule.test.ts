// Rewards by stage: what each component is logged as, what the sum trains, what the report shows.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TrainEvent } from "@longcot/train/src/events.ts";
import { readRecords } from "@longcot/train/src/run/records.ts";
import { readRolloutFile } from "@longcot/rollout-buffer";
import { expect, test } from "vitest";
import { eventsOf, runLongcot, TINY_RECIPE } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const scratch = scratchFolder();
const STAGE = { steps: 2, context_length: 16, batch_size: 4, mini_batch_size: 4, group_size: 4, levels: [1] };
const stages = (...rewards: object[]): string =>
  `stages=${JSON.stringify(rewards.map((reward, i) => ({ ...STAGE, name: `stage-${i}`, ...reward })))}`;
const train = (run: string, ...sets: string[]) =>
  runLongcot("train", "--recipe", TINY_RECIPE, "--run", run, "--json", ...["online_filter=null", ...sets].flatMap((set) => ["--set", set]));
const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

test("three stages: each component logged alone, their sum in the rollouts, curves and stages in the report", async () => {
  const run = join(scratch, "three");
  const path = join(scratch, "digits.ts");
  writeFileSync(path, "export default (_source: string, solution: string): number => solution.replaceAll(/\\D/g, '').length;\n");
  const finished = await train(
    run,
    stages(
      { rewards: { format: {}, function: { path, weight: 0.1, clip: [0, 5] } } },
      {},
      {
        rewards: { verifier: {}, length: { weight: 0.2 }, repetition: { normalize: "group" }, overlong: { buffer_length: 8, weight: 0.5 } },
      },
    ),
  );
  expect(finished).toMatchObject({ code: 0, stderr: "" });
  expect(eventsOf(finished).filter((event): event is Extract<TrainEvent, { type: "stage" }> => event.type === "stage")).toHaveLength(3);
  const { metrics, samples } = readRecords(run);
  const named = (line: object) =>
    [...new Set(Object.keys(line).flatMap((name) => /^reward\/([a-z_]+)\/mean$/.exec(name)?.[1] ?? []))].toSorted();
  expect(metrics.map(named)).toEqual([
    ...Array(2).fill(["format", "function"]),
    ...Array(2).fill(["verifier"]),
    ...Array(2).fill(["length", "overlong", "repetition", "verifier"]),
  ]);
  for (const [i, line] of metrics.entries()) {
    const sum = named(line).reduce((total, name) => total + line[`reward/${name}/contribution`]!, 0);
    expect(line["critic/score/mean"]).toBeCloseTo(sum, 6);
    const rollouts = await readRolloutFile(join(run, "rollouts", `step-00000${i + 1}.arrow`));
    expect(mean(rollouts.viewPerRow("reward"))).toBeCloseTo(sum, 6);
  }
  expect(metrics[2]!["reward/verifier/mean"]).toBe(metrics[2]!["reward/correct_ratio"]);
  expect(metrics[0]!["reward/function/max"]).toBeGreaterThan(5);
  expect(metrics[0]!["reward/function/clip_ratio"]).toBeGreaterThan(0);
  expect(samples.find(({ stage }) => stage === "stage-0")!.rewards).toEqual({ format: expect.any(Number), function: expect.any(Number) });
  expect(samples.find(({ stage }) => stage === "stage-1")!.rewards).toBeUndefined();
  const page = readFileSync(join(run, "report", "index.html"), "utf8");
  for (const id of ["reward-contributions", "reward-format", "reward-function", "reward-verifier", "reward-length"])
    expect(page).toContain(`<figure id="${id}"`);
  expect(page).toContain("verifier + 0.2 · length + 0.5 · overlong + group(repetition)");
});

test("without a word on rewards the verifier's score is the reward, and the report has no components", async () => {
  const run = join(scratch, "plain");
  expect(await train(run, stages({ steps: 1 }))).toMatchObject({ code: 0, stderr: "" });
  const [line] = readRecords(run).metrics;
  expect(line!["reward/verifier/mean"]).toBe(line!["critic/score/mean"]);
  expect(readFileSync(join(run, "report", "index.html"), "utf8")).not.toContain("reward-contributions");
});

test("a component's function that is broken ends the run with its message", async () => {
  const path = join(scratch, "broken.ts");
  writeFileSync(path, "export default () => { throw new Error('no idea'); };\n");
  const finished = await train(join(scratch, "broken"), stages({ rewards: { verifier: {}, function: { path } } }));
  expect(finished.code).toBe(1);
  expect(finished.stderr).toMatch(/a verdict on at least one response of the step, got crash: .*no idea/);
});
