// The memory plan: shown, refused where it does not fit, and near what a run takes; gradient checkpointing takes less and trains the same.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLog } from "@longcot/durable-files";
import { expectClose } from "@longcot/vitest-config/close-to";
import type { Metrics } from "@longcot/train/src/events.ts";
import { expect, test } from "vitest";
import { eventsOf, runLongcot, startLongcot, TINY_MODEL, TINY_RECIPE } from "./longcot-process.ts";
import { scratchFolder } from "./scratch-folder.ts";

const scratch = scratchFolder();
/** Activations of several hundred MiB, for a second. */
const SETS = [
  "model={hidden_size: 128, intermediate_size: 512, layers: 4, attention_heads: 4, key_value_heads: 2, max_position_embeddings: 64}",
  "cold_start={steps: 1, batch_size: 128, learning_rate: 0.001, levels: {1: 1}}",
  "stages=[{name: one, steps: 1, context_length: 32, batch_size: 16, mini_batch_size: 16, group_size: 8}]",
  "loss.micro_batch_tokens=16384",
  "rejection.zero_advantage=false",
  "online_filter=null",
  "evaluation={samples_per_prompt: 1, prompts_per_level: 1}",
].flatMap((set) => ["--set", set]);
const train = (...more: string[]) => ["train", "--recipe", TINY_RECIPE, ...SETS, ...more];

test("--plan prints every part and trains nothing", async () => {
  const { code, stdout, stderr } = await runLongcot(...train("--plan", "--run", join(scratch, "planned")));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const part of [
    "program",
    "weights",
    "gradients",
    "optimizer moments",
    "rollout buffers",
    "generation",
    "AdamW's update",
    "at the peak",
  ])
    expect(stdout).toMatch(new RegExp(String.raw`^  ${part}.* [\d.]+ GiB`, "m"));
  expect(existsSync(join(scratch, "planned"))).toBe(false);
});

test("what cannot fit is refused before anything is there, with the setting to change", async () => {
  const tight = ["--set", "memory.limit_gib=1.1", "--run", join(scratch, "refused")];
  for (const more of [[], ["--plan"]]) {
    const { code, stderr } = await runLongcot(...train(...tight, ...more));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^longcot train: recipe tiny: memory must be at most 1\.10 GiB, memory\.limit_gib, got a run that takes [\d.]+ GiB at its peak \(activations, forward and backward\)\. Add --set memory\.gradient_checkpointing=true: [\d.]+ GiB\n$/,
    );
  }
  expect(existsSync(join(scratch, "refused"))).toBe(false);
});

/** A run's plan, metrics and the most memory that its process held, bytes. */
async function measured(name: string, ...more: string[]): Promise<{ planned: number; peak: number; metrics: Metrics }> {
  const run = join(scratch, name);
  let peak = 0;
  const { done } = startLongcot(train("--json", "--run", run, ...more), {
    onEvent: (_, child) => {
      const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"));
      if (line !== null) peak = Number(line[1]) * 1024;
    },
  });
  const finished = await done;
  expect(finished).toMatchObject({ code: 0 });
  const plan = eventsOf(finished).find((event) => event.type === "memory_plan")!;
  return { planned: plan.peak_bytes, peak, metrics: readLog<Metrics>(join(run, "metrics.jsonl"))[0]! };
}

test.skipIf(process.platform !== "linux")("a run takes about what was planned; with checkpointing less, for the same update", async () => {
  const plain = await measured("plain");
  const checkpointed = await measured("checkpointed", "--set", "memory.gradient_checkpointing=true");
  for (const { planned, peak } of [plain, checkpointed]) {
    expect(planned / peak).toBeGreaterThan(0.7);
    expect(planned / peak).toBeLessThan(1.5);
  }
  expect(checkpointed.peak).toBeLessThan(plain.peak - 50 * 2 ** 20);
  const figures = ({ metrics }: { metrics: Metrics }) =>
    ["actor/pg_loss", "actor/grad_norm", "actor/entropy"].map((name) => metrics[name]!);
  expectClose(figures(checkpointed), figures(plain), { rtol: 1e-4, atol: 1e-6 }, "loss, gradient norm, entropy");
});

test.each([
  ["sft", ["sft", "--data"], { prompt: [{ role: "user", content: "2+2" }], completion: [{ role: "assistant", content: "4" }] }],
  ["reward-model", ["reward-model", "train", "--pairs"], { prompt: "2+2=", chosen: "4", rejected: "5" }],
] as const)("%s tells its plan, and refuses what cannot fit before anything is there", async (name, command, row) => {
  const rows = join(scratch, `${name}.jsonl`);
  writeFileSync(rows, `${JSON.stringify(row)}\n`.repeat(2));
  const run = join(scratch, name);
  const { code, stderr } = await runLongcot(...command, rows, "--model", TINY_MODEL, "--set", "memory.limit_gib=0.5", "--run", run);
  expect(code).toBe(1);
  const [plan, refusal] = stderr.trimEnd().split("\n").slice(-2);
  expect(plan).toMatch(
    new RegExp(String.raw`^${name}: memory: [\d.]+ GiB at the peak, of 0\.50 GiB \(program .*weights .*gradients .*optimizer moments `),
  );
  expect(refusal).toContain("memory must be at most 0.50 GiB, memory.limit_gib, got a run that takes");
  expect(existsSync(run)).toBe(false);
});
