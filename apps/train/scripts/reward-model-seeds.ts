// A reward model on the quickstart's task, from nothing, over several seeds: a policy by recipe quickstart, pairs of its answers, a reward model on them, measured on problems
// that it has not seen, and best-of-8 by it against the mean sample. What is there already is used again.
//   pnpm --dir apps/train reward-model-seeds [--seeds 1,2,3] [--out FOLDER] [--set training.epochs=8 …]
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { atomicWrite } from "@longcot/durable-files";
import type { EvalOutcome } from "../src/eval/eval-outcome.ts";
import { checkpointName, listCheckpointSteps } from "../src/run/checkpoints.ts";
import type { MinedPairs } from "../src/reward-model/mine-pair-files.ts";
import type { RewardOutcome } from "../src/reward-model/train-reward-model.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const RECIPE = fileURLToPath(new URL("../recipes/reward-model/quickstart.yaml", import.meta.url));

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1,2,3" },
    out: { type: "string", default: "runs/reward-model-seeds" },
    /** Policies that are there: RUN of each seed, `{seed}` in it for the seed. */
    policy: { type: "string" },
    set: { type: "string", multiple: true, default: [] },
  },
});

/** Runs longcot and gives its outcome; its progress goes to the terminal. */
async function longcot<T>(...args: string[]): Promise<T> {
  process.stderr.write(`longcot ${args.join(" ")}\n`);
  const child = spawn(process.execPath, ["--conditions=longcot-source", MAIN, ...args, "--json"], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(`longcot ${args[0]} ended with exit code ${code}`);
  return JSON.parse(text.trim().split("\n").at(-1)!) as T;
}

/** The outcome kept in `file`, or that of `work`, kept there. */
async function once<T>(file: string, work: () => Promise<T>): Promise<T> {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as T;
  const outcome = await work();
  atomicWrite(file, JSON.stringify(outcome));
  return outcome;
}

const percent = (value: number): string => `${(100 * value).toFixed(1)}%`;
const rows: string[] = [];
for (const seed of values.seeds.split(",")) {
  const folder = join(values.out, `seed-${seed}`);
  mkdirSync(folder, { recursive: true });
  const run = values.policy?.replaceAll("{seed}", seed) ?? join(folder, "policy");
  if (!existsSync(run)) await longcot("train", "--set", `seed=${seed}`, "--run", run);
  const checkpoint = join(run, "checkpoints", checkpointName(listCheckpointSteps(join(run, "checkpoints")).at(-1)!), "model");
  const pairs = join(folder, "pairs");
  const problems = join(run, "data", "train.parquet");
  const drawing = ["--model", checkpoint, "--prompts", problems, "--answers", "8", "--per-prompt", "4", "--max-new-tokens", "64"];
  const mined = await once(join(folder, "pairs.json"), () =>
    longcot<MinedPairs>("reward-model", "pairs", ...drawing, "--out", pairs, "--seed", seed),
  );
  const judge = join(folder, "judge");
  const sets = [`seed=${seed}`, ...values.set].flatMap((set) => ["--set", set]);
  const learning = ["--model", checkpoint, "--pairs", mined.train.file, "--validation", mined.held_out.file, ...sets];
  const trained = await once(join(folder, "judge.json"), () =>
    longcot<RewardOutcome>("reward-model", "train", "--recipe", RECIPE, ...learning, "--run", judge),
  );
  const { results } = await once(join(folder, "eval.json"), () =>
    longcot<EvalOutcome>("eval", "--run", run, "--reward-model", join(judge, "model"), "--k", "8", "--out", join(folder, "eval")),
  );
  const { accuracy, accuracyInterval, calibration, pairs: heldOut } = trained.validation!;
  const { avg_at_k: mean, bon_at_k: best, bon_gain: gain } = results[0]!.overall;
  const points = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(1)}`;
  rows.push(
    `| ${seed} | ${mined.train.pairs} of ${mined.train.prompts} | ${heldOut} of ${mined.held_out.prompts} | ${percent(accuracy)} [${percent(accuracyInterval.low)}, ${percent(accuracyInterval.high)}] | ${calibration.ece.toFixed(3)} | ${percent(mean.value)} | ${percent(best!.value)} | ${points(gain!.value)} [${points(gain!.low)}, ${points(gain!.high)}] ${gain!.low > 0 ? "significant" : "not significant"} |`,
  );
}
process.stdout.write(
  [
    "| seed | pairs of problems learnt from | held out | accuracy | ECE | avg@8 | bon@8 | bon@8 − avg@8, points |",
    "|---|---|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n"),
);
