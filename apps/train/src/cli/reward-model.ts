// `longcot reward-model`: pairs out of a run, a reward model trained on them, measured, and used to score answers.
import { ConfigError } from "@longcot/errors";
import type { Command } from "commander";
import { percent } from "../progress/figures.ts";
import type { EvaluatedRewardModel, EvaluateOptions } from "../reward-model/evaluate-reward-model.ts";
import type { MinedPairs, MineOptions } from "../reward-model/mine-run.ts";
import type { PairMeasures } from "../reward-model/measure-pairs.ts";
import type { RewardFlags } from "../reward-model/reward-recipe.ts";
import type { RewardJob, RewardOutcome } from "../reward-model/train-reward-model.ts";
import { addEngineOptions } from "./engine-options.ts";
import type { EngineFlags } from "./engine-options.ts";
import { runInterruptible } from "./interruptible.ts";
import { existingFile, existingFolder, numberFromZero, wholeNumber } from "./option-values.ts";
import type { AddCommand } from "./run-cli.ts";
import { addTrainingFolderOptions, trainingRecipe, withTrainingFolder } from "./training-folder.ts";
import type { TrainingFolderFlags } from "./training-folder.ts";

export interface RewardModelWork {
  mineRun: (options: MineOptions) => Promise<MinedPairs>;
  trainRewardModel: (job: RewardJob) => Promise<RewardOutcome>;
  evaluateRewardModel: (options: EvaluateOptions) => Promise<EvaluatedRewardModel>;
}

const warn = (text: string): void => void process.stderr.write(`reward-model: ${text}\n`);
const print = (json: true | undefined, value: unknown, text: string): void =>
  void process.stdout.write(json === true ? `${JSON.stringify(value)}\n` : `${text}\n`);

/** Adds the command and its parts; `load` brings their work when it is first needed. */
export function rewardModelCommand(load: () => Promise<RewardModelWork>): AddCommand {
  return (program) => {
    const command = program
      .command("reward-model")
      .description("Reward models: mine pairs from a run, train on them, evaluate accuracy, calibration and length bias.")
      .addHelpText(
        "after",
        `
Examples:
  longcot reward-model pairs runs/quickstart --out pairs
  longcot reward-model train --model runs/quickstart/checkpoints/step-000080/model --pairs pairs/train.parquet \\
    --validation pairs/heldout.parquet --set training.learning_rate=5e-4 --set training.epochs=3 --run runs/judge
  longcot reward-model evaluate --model runs/judge/model --pairs pairs/heldout.parquet
  longcot eval --run runs/quickstart --reward-model runs/judge/model`,
      );
    addPairs(command, load);
    addTrain(command, load);
    addEvaluate(command, load);
  };
}

function addPairs(command: Command, load: () => Promise<RewardModelWork>): void {
  command
    .command("pairs")
    .description("Right against wrong answers to the same problems out of a run's rollouts; problems are split into train and held out.")
    .argument("<run>", "the run's folder", existingFolder)
    .requiredOption("--out <dir>", "folder for train.parquet and heldout.parquet (prompt, chosen, rejected: as TRL reads them)")
    .option("--per-prompt <N>", "most pairs of one problem", wholeNumber(1), 4)
    .option("--held-out <share>", "share of the problems held out", share, 0.1)
    .option("--seed <s>", "which answers meet, and which problems are held out", wholeNumber(0), 0)
    .option("--json", "print the outcome as JSON on stdout")
    .action(async (run: string, { json, ...options }: Omit<MineOptions, "run" | "signal" | "warn" | "onProgress"> & { json?: true }) => {
      const { mineRun } = await load();
      const mined = await runInterruptible({ label: "pairs", stopping: "stopping; nothing is written" }, (signal, progress) =>
        mineRun({ ...options, run, signal, warn, onProgress: (state) => progress.update(state) }),
      );
      if (mined === undefined) return;
      const file = ({ file: path, pairs, prompts }: MinedPairs["train"]) => `${path}: ${pairs} pairs of ${prompts} problems`;
      print(
        json,
        mined,
        `${mined.responses} graded answers of ${mined.steps} steps; ${mined.mixed_prompts} of ${mined.prompts} problems have right and wrong ones\n${file(mined.train)}\n${file(mined.held_out)}`,
      );
    });
}

function addTrain(command: Command, load: () => Promise<RewardModelWork>): void {
  const train = command
    .command("train")
    .description("Train a reward model on pairs (Bradley–Terry): a language model's weights with a new scalar head.")
    .option("--model <dir>", "the backbone, in the Hugging Face layout: a folder, or a name on the hub (owner/name@revision)")
    .option("--pairs <files...>", "parquet or JSONL of pairs: prompt, chosen, rejected; margin where loss.margin asks for it")
    .option("--validation <files...>", "the same, held out");
  addTrainingFolderOptions(train)
    .addHelpText(
      "after",
      `
RUN/model is the model: transformers' AutoModelForSequenceClassification loads it with the same scores.
Keys of --set and their defaults:
  loss:      center 0.01 (weight of the squared sum of both scores), token 0 (weight of a loss on every token), margin false
  training:  epochs 1, batch_size 32, learning_rate 1e-5, schedule cosine (linear, constant), warmup 0.03 (from 1 on: steps), micro_batch_tokens 16384
  data:      max_length (the model's positions)      evaluation: every (steps)
  optimizer: betas, weight_decay 0.01, max_grad_norm 1   checkpoint: every 20, keep 2      seed 0`,
    )
    .action(async ({ run, resume, json, ...flags }: RewardFlags & TrainingFolderFlags) => {
      const [recipes, folders, runs] = await Promise.all([
        import("../reward-model/reward-recipe.ts"),
        import("../sft/sft-folder.ts"),
        import("../run/run-folder.ts"),
      ]);
      const recipe = trainingRecipe({ run, resume }, { flags, load: recipes.loadRewardRecipe, read: recipes.readRewardRecipe });
      const path = run ?? runs.defaultRunPath(recipe);
      const { trainRewardModel } = await load();
      const create = async () =>
        await folders.createTrainingFolder(path, { recipe: recipes.writeRewardRecipe(recipe), keep: recipe.checkpoint.keep });
      const open = async () => (resume === true ? folders.openSftFolder(path, recipe) : { folder: await create(), warnings: [] });
      const stopping = `stopping after this step and saving; go on with: longcot reward-model train --resume --run ${path}`;
      const outcome = await withTrainingFolder(open, warn, (openFolder) =>
        runInterruptible({ label: "reward-model", stopping }, (signal, progress) =>
          trainRewardModel({ recipe, signal, warn, onProgress: (state) => progress.update(state), openFolder }),
        ),
      );
      if (outcome === undefined) return;
      const { pairs, steps, validation, model, report } = outcome;
      print(
        json,
        outcome,
        `${pairs} pairs, ${steps} steps\n${validation === undefined ? "" : `${measuresText(validation)}\n`}model: ${model}\nreport: ${report}`,
      );
    });
}

function addEvaluate(command: Command, load: () => Promise<RewardModelWork>): void {
  addEngineOptions(
    command
      .command("evaluate")
      .description("Accuracy, calibration and length bias of a reward model on pairs, and a report.")
      .requiredOption(
        "--model <dir>",
        "a reward model: a sequence classifier with one label in the Hugging Face layout, or its name on the hub",
      )
      .requiredOption("--pairs <files...>", "parquet or JSONL of pairs: prompt, chosen, rejected")
      .option("--out <dir>", "folder for results.json and report.html", "reward-model-evaluation")
      .option("--json", "print the measures as JSON on stdout"),
  ).action(async ({ json, ...options }: Omit<EvaluateOptions, "warn" | "onProgress"> & EngineFlags & { json?: true }) => {
    for (const file of options.pairs) existingFile(file);
    const { evaluateRewardModel } = await load();
    const outcome = await runInterruptible({ label: "evaluate", stopping: "stopping" }, (signal, progress) =>
      evaluateRewardModel({
        ...options,
        warn,
        onProgress: (state) => {
          signal.throwIfAborted();
          progress.update(state);
        },
      }),
    );
    if (outcome === undefined) return;
    const { scores: _, ...measures } = outcome.measures;
    print(json, { ...outcome, measures }, `${measuresText(measures)}\nreport: ${outcome.report}`);
  });
}

function measuresText({
  pairs,
  accuracy,
  accuracyInterval: { low, high },
  logLoss,
  calibration,
  lengthBias,
}: Omit<PairMeasures, "scores">): string {
  const { longerIsChosen, longerIsPreferred } = lengthBias;
  const length =
    longerIsChosen === undefined || longerIsPreferred === undefined
      ? ""
      : `; the longer answer is right in ${percent(longerIsChosen)} and preferred in ${percent(longerIsPreferred)}`;
  return `${pairs} held-out pairs: accuracy ${percent(accuracy)} [${percent(low)}, ${percent(high)}], ECE ${percent(calibration.ece)}, log loss ${logLoss.toFixed(4)}${length}`;
}

function share(text: string): number {
  const value = numberFromZero(text);
  if (value >= 1) throw new ConfigError({ who: "--held-out", expected: "a share below 1", received: text });
  return value;
}
