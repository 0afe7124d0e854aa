// A larger teacher, trained by reinforcement learning, teaches a smaller student: the whole chain by the commands themselves, and its table.
//
//   pnpm --dir apps/train teach-student [FOLDER [SEED …]]
//
// Under every seed: the teacher (recipe teacher, few worked solutions, then reinforcement learning); its verified answers to the problems that it was
// trained on; the student (recipes/sft/arithmetic-student.yaml) from the worked solutions, and the same student from the answers, at equal tokens; and
// reinforcement learning of the second one. FOLDER (runs/teach-student) is gone on with: what is finished is not run again. Ends with FOLDER/table.md.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atomicWrite, readLog } from "@longcot/durable-files";
import { checkpointModel } from "../src/eval/eval-plan.ts";
import type { LevelResult } from "../src/events.ts";
import { percent, signedPoints } from "../src/progress/figures.ts";
import { METRICS_FILE } from "../src/run/records.ts";
import { longcotSteps } from "./longcot-steps.ts";

const STUDENT = fileURLToPath(new URL("../recipes/sft/arithmetic-student.yaml", import.meta.url));
const [root = "runs/teach-student", ...given] = process.argv.slice(2);
const seeds = given.length === 0 ? [1, 2, 3] : given.map(Number);

/** How the teacher is asked: once, a hard problem up to six times. */
const ASKED = ["--first", "1", "--most", "6", "--temperature", "1", "--top-p", "1", "--max-new-tokens", "64"];

interface Evaluation {
  results: LevelResult[];
}

// --- every seed, all at once with a thread each: teacher, answers, two students, reinforcement learning of the second --------------------
await Promise.all(seeds.map(teachStudent));

async function teachStudent(seed: number): Promise<void> {
  const folder = folderOf(seed);
  const { step, training } = longcotSteps(folder);
  const at = (name: string) => join(folder, name);
  const data = (file: string) => join(at("teacher"), "data", file);
  const set = (settings: Record<string, unknown>) =>
    Object.entries({ "engine.threads": 1, seed, ...settings }).flatMap(([key, value]) => ["--set", `${key}=${String(value)}`]);
  await training("teacher", ["train"], ["--recipe", "teacher", ...set({})]);
  const questions = ["--model", checkpointModel(at("teacher")), "--prompts", data("train.parquet")];
  await step("answers", ["distill", ...questions, "--out", at("answers"), ...ASKED, ...set({ "filter.after_answer": "cut" })]);
  const answers = readdirSync(join(at("answers"), "data")).map((file) => join(at("answers"), "data", file));
  const student = ["--recipe", STUDENT, "--problems", data("heldout.parquet"), ...set({ tokenizer: data("tokenizer") })];
  await training("plain", ["sft"], [...student, "--data", data("cold-start.parquet")]);
  await training("distilled", ["sft"], [...student, "--data", ...answers]);
  const start = { model: join(at("distilled"), "model"), "data.train": data("train.parquet"), "data.validation": data("heldout.parquet") };
  await training("reinforced", ["train"], ["--recipe", "reinforce-student", ...set(start)]);
}

// --- the table ---------------------------------------------------------------------------------------------------------------------------
const rows = seeds.map((seed) => {
  const folder = folderOf(seed);
  const teacher = evaluations(folder, "teacher");
  const [plain, distilled, reinforced] = (["plain", "distilled", "reinforced"] as const).map((name) => evaluations(folder, name).at(-1)!);
  const tokens = (name: string) =>
    `${(readLog<Record<string, number>>(join(folder, name, METRICS_FILE)).at(-1)!["train/tokens"]! / 1e6).toFixed(2)} M`;
  const [before, after, final] = [plain, distilled, reinforced].map((one) => accuracy(one!).avg_at_k) as [number, number, number];
  return [
    String(seed),
    `${percent(accuracy(teacher[0]!).avg_at_k)} → ${percent(accuracy(teacher.at(-1)!).avg_at_k)}`,
    `${interval(plain!)}, ${tokens("plain")}`,
    `${interval(distilled!)}, ${tokens("distilled")}`,
    signedPoints(after - before),
    interval(reinforced!),
    signedPoints(final - after),
  ];
});
const heads = [
  "seed",
  "teacher, cold start → RL",
  "student from worked solutions",
  "student from the teacher's answers",
  "gain",
  "… after RL",
  "gain",
];
const table = [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
atomicWrite(join(root, "table.md"), `${table}\n`);
process.stdout.write(`${table}\n`);

function folderOf(seed: number): string {
  return join(root, `seed-${seed}`);
}

function evaluations(folder: string, name: string): Evaluation[] {
  return readLog<Evaluation>(join(folder, name, "evaluations.jsonl"));
}

function accuracy({ results }: Evaluation): LevelResult {
  return results.find(({ level }) => level === "all")!;
}

function interval(evaluation: Evaluation): string {
  const { avg_at_k: mean, avg_at_k_low: low, avg_at_k_high: high } = accuracy(evaluation);
  return `${percent(mean)} [${percent(low)}, ${percent(high)}]`;
}
