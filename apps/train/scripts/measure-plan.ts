// The memory plan against what runs take: each case is planned, trained for a step or two in a process of its own, and its peak is read from /proc (Linux).
//
//   pnpm exec node --conditions=longcot-source apps/train/scripts/measure-plan.ts SMALL BIG [case …]
//
// SMALL and BIG are directories that make-random-model.ts made, of 30m and of 0.5b. The peak is the main process's; grading processes are neither in
// it nor in the plan.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MemoryPlanEvent } from "../src/events.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "longcot-plan-"));
const [small, big, ...only] = process.argv.slice(2);
if (small === undefined || big === undefined) throw new Error("usage: measure-plan.ts SMALL BIG [case …]");

// --- cases: a recipe and what is set -----------------------------------------------------------------------------------------------------
/** Groups that are all wrong are learnt from too: models that know nothing make updates. */
const UPDATE_ALL = "rejection.zero_advantage=false";
const QUICK = ["cold_start.steps=100", "evaluation.prompts_per_level=8", "stages.0.steps=1", "stages.1.steps=2", UPDATE_ALL];
const problems = writeProblems();
const ONE_STAGE = (contextLength: number, batch: string) => [
  `data.train=${problems}`,
  "data.max_prompt_length=64",
  `stages=[{name: one, steps: 1, context_length: ${contextLength}, ${batch}}]`,
  UPDATE_ALL,
];
const LONG = [`model=${small}`, ...ONE_STAGE(1984, "batch_size: 2, mini_batch_size: 2, group_size: 4")];
const BIG = [`model=${big}`, ...ONE_STAGE(64, "batch_size: 2, mini_batch_size: 2, group_size: 4"), "memory.gradient_checkpointing=true"];
const CASES: Record<string, { recipe: string; sets: string[] }> = {
  quickstart: { recipe: "quickstart", sets: QUICK },
  "quickstart, gradient checkpointing": { recipe: "quickstart", sets: [...QUICK, "memory.gradient_checkpointing=true"] },
  "30 M, 4 × 2,048 tokens": { recipe: "finetune", sets: [...LONG, "loss.micro_batch_tokens=8192"] },
  "30 M, 8 × 2,048 tokens, gradient checkpointing": { recipe: "finetune", sets: [...LONG, "memory.gradient_checkpointing=true"] },
  "0.5 B, LoRA": { recipe: "finetune", sets: [...BIG, "lora={rank: 16, alpha: 32}"] },
  "0.5 B, all weights": { recipe: "finetune", sets: BIG },
};

// --- each planned, run and measured ------------------------------------------------------------------------------------------------------
process.stdout.write("| run | planned | measured | planned / measured |\n|---|---|---|---|\n");
for (const [name, { recipe, sets }] of Object.entries(CASES)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const run = ["train", "--recipe", recipe, "--json", ...sets.flatMap((set) => ["--set", set])];
  const told = spawnSync(process.execPath, ["--conditions=longcot-source", MAIN, ...run, "--plan"], { encoding: "utf8" });
  if (told.status !== 0) throw new Error(`${name}: ${told.stderr}`);
  const { peak_bytes: planned } = JSON.parse(told.stdout) as MemoryPlanEvent;
  const measured = await peakOf([...run, "--run", join(folder, name.replaceAll(/\W+/g, "-"))]);
  const gibibytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(2);
  process.stdout.write(`| ${name} | ${gibibytes(planned)} GiB | ${gibibytes(measured)} GiB | ${(planned / measured).toFixed(2)} |\n`);
}
rmSync(folder, { recursive: true });

/** Peak resident set of a longcot process, bytes. */
async function peakOf(arguments_: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ["--conditions=longcot-source", MAIN, ...arguments_], { stdio: ["ignore", "ignore", "pipe"] });
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  let peak = 0;
  const timer = setInterval(() => {
    try {
      const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"));
      if (line !== null) peak = Math.max(peak, Number(line[1]) * 1024);
    } catch {
      // It ended between two looks.
    }
  }, 100);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`longcot ${arguments_.join(" ")} exited with ${code}: ${errors.join("")}`);
  return peak;
}

/** A few problems in verl's row schema. */
function writeProblems(): string {
  const rows = Array.from({ length: 4 }, (_, index) => ({
    data_source: "sums",
    prompt: [{ role: "user", content: `What is ${index + 1} + ${3 * index}? Say it.` }],
    ability: "math",
    reward_model: { style: "rule", ground_truth: String(4 * index + 1) },
    extra_info: { index },
  }));
  const path = join(folder, "problems.jsonl");
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}
