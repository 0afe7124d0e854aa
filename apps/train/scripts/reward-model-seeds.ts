// A reward model on the quickstart's task, from nothing, over several seeds: a policy by recipe quickstart, pairs of its answers, a reward model on them, measured on problems
// that it has not seen, and best-of-8 by it against the mean sample. What is there already is used again.
//   pnpm --dir apps/train reward-model-seeds [--seeds 1,2,3] [--out FOLDER] [--set training.epochs=20 …]
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { EvalOutcome } from "../src/eval/eval-outcome.ts";
import { checkpointModel } from "../src/eval/eval-plan.ts";
import { percent, signedPoints } from "../src/progress/figures.ts";
import type { MinedPairs } from "../src/reward-model/mine-pair-files.ts";
import type { RewardOutcome } from "../src/reward-model/train-reward-model.ts";
import { longcotSteps } from "./longcot-steps.ts";

const RECIPE = fileURLToPath(new URL("../recipes/reward-model/quickstart.yaml", import.meta.url));

/** The quickstart's 64 a level leave best-of-8's gain an interval of six points; training and its report do with as many as there. */
const MORE_HELD_OUT = ["--set", "data.generate.held_out_per_level=256", "--set", "evaluation.prompts_per_level=64"];

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1,2,3" },
    out: { type: "string", default: "runs/reward-model-seeds" },
    /** Policies that are there: RUN of each seed, `{seed}` in it for the seed. */
    policy: { type: "string" },
    set: { type: "string", multiple: true, default: [] },
  },
});

const rows: string[] = [];
for (const seed of values.seeds.split(",")) {
  const folder = join(values.out, `seed-${seed}`);
  const { step, training } = longcotSteps(folder);
  const run = values.policy?.replaceAll("{seed}", seed) ?? join(folder, "policy");
  if (values.policy === undefined) await training("policy", ["train"], ["--set", `seed=${seed}`, ...MORE_HELD_OUT]);
  const checkpoint = checkpointModel(run);
  const pairs = join(folder, "pairs");
  const data = (file: string) => join(run, "data", file);
  const drawing = [
    "--model",
    checkpoint,
    "--prompts",
    data("train.parquet"),
    "--answers",
    "8",
    "--per-prompt",
    "4",
    "--max-new-tokens",
    "64",
  ];
  const mined = await step<MinedPairs>("pairs", ["reward-model", "pairs", ...drawing, "--out", pairs, "--seed", seed]);
  const sets = [`seed=${seed}`, ...values.set].flatMap((set) => ["--set", set]);
  const learning = ["--model", checkpoint, "--pairs", mined.train.file, "--validation", mined.held_out.file, ...sets];
  const trained = await training<RewardOutcome>("judge", ["reward-model", "train"], ["--recipe", RECIPE, ...learning]);
  const judging = ["--reward-model", join(folder, "judge", "model"), "--k", "8", "--out", join(folder, "eval")];
  const { results } = await step<EvalOutcome>("eval", ["eval", "--run", run, "--benchmark", data("heldout.parquet"), ...judging]);
  const { accuracy, accuracyInterval, calibration, pairs: heldOut } = trained.validation!;
  const { avg_at_k: mean, bon_at_k: best, bon_gain: gain } = results[0]!.overall;
  rows.push(
    `| ${seed} | ${mined.train.pairs} of ${mined.train.prompts} | ${heldOut} of ${mined.held_out.prompts} | ${percent(accuracy)} [${percent(accuracyInterval.low)}, ${percent(accuracyInterval.high)}] | ${calibration.ece.toFixed(3)} | ${percent(mean.value)} | ${percent(best!.value)} | ${signedPoints(gain!.value)} [${signedPoints(gain!.low)}, ${signedPoints(gain!.high)}] ${gain!.low > 0 ? "significant" : "not significant"} |`,
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
