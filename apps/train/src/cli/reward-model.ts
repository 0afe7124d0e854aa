// `longcot reward-model`: pairs of answers or labelled steps made, a reward model trained on them and measured.
import { ConfigError } from "@longcot/errors";
import type { Command } from "commander";
import { percent } from "../progress/figures.ts";
import type { EvaluatedRewardModel, EvaluateOptions } from "../reward-model/evaluate-reward-model.ts";
import type { MadeSteps, MakeStepsOptions } from "../reward-model/make-steps.ts";
import type { PairMeasures } from "../reward-model/measure-pairs.ts";
import type { AnswerStepMeasures } from "../reward-model/measure-steps.ts";
import type { MinedPairs, MineOptions } from "../reward-model/mine-pair-files.ts";
import type { RewardFlags } from "../reward-model/reward-recipe.ts";
import type { RewardJob, RewardOutcome } from "../reward-model/train-reward-model.ts";
import { addEngineOptions } from "./engine-options.ts";
import type { EngineFlags } from "./engine-options.ts";
import { runInterruptible } from "./interruptible.ts";
import { existingFile, existingFolder, numberFromZero, positiveNumber, wholeNumber } from "./option-values.ts";
import type { AddCommand } from "./run-cli.ts";
import { addTrainingFolderOptions, trainingRecipe, withTrainingFolder } from "./training-folder.ts";
import type { TrainingFolderFlags } from "./training-folder.ts";

export interface RewardModelWork {
  minePairFiles: (options: MineOptions) => Promise<MinedPairs>;
  makeSteps: (options: MakeStepsOptions) => Promise<MadeSteps>;
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
      .description("Reward models of answers and of steps: make pairs or labelled steps, train on them, evaluate accuracy and calibration.")
      .addHelpText(
        "after",
        `
Examples:
  longcot reward-model pairs runs/quickstart --out pairs
  longcot reward-model train --model runs/quickstart/checkpoints/step-000080/model --pairs pairs/train.parquet \\
    --validation pairs/heldout.parquet --set training.learning_rate=5e-4 --set training.epochs=3 --run runs/judge
  longcot reward-model evaluate --model runs/judge/model --pairs pairs/heldout.parquet
  longcot eval --run runs/quickstart --reward-model runs/judge/model

  longcot reward-model steps --model DIR --prompts runs/quickstart/data/train.parquet --separator ";" --out steps
  longcot reward-model train --model DIR --steps steps/train.parquet --validation steps/heldout.parquet --run runs/process-judge
  longcot eval --run runs/quickstart --reward-model runs/process-judge/model --aggregate min`,
      );
    addPairs(command, load);
    addSteps(command, load);
    addTrain(command, load);
    addEvaluate(command, load);
  };
}

function addPairs(command: Command, load: () => Promise<RewardModelWork>): void {
  addEngineOptions(
    command
      .command("pairs")
      .description(
        "Right against wrong answers to the same problems, out of a run's rollouts or drawn from a policy; problems are split into train and held out.",
      )
      .argument("[run]", "the run's folder", existingFolder)
      .option(
        "--model <dir>",
        "instead of a run: a policy that answers --prompts, a folder in the Hugging Face layout or a name on the hub",
      )
      .option("--prompts <files...>", "with --model: files of problems in verl's row schema")
      .option("--answers <N>", "with --model: answers drawn to a problem", wholeNumber(2), 8)
      .option("--temperature <τ>", "with --model: logits are divided by it", positiveNumber(), 1)
      .option("--max-new-tokens <N>", "with --model: cap on an answer (default: what the model's positions leave)", wholeNumber(1))
      .requiredOption("--out <dir>", "folder for train.parquet and heldout.parquet (prompt, chosen, rejected: as TRL reads them)")
      .option("--per-prompt <N>", "most pairs of one problem", wholeNumber(1), 4)
      .option("--held-out <share>", "share of the problems held out", share, 0.1)
      .option("--seed <s>", "what is drawn, which answers meet, and which problems are held out", wholeNumber(0), 0)
      .option("--json", "print the outcome as JSON on stdout"),
  ).action(
    async (
      run: string | undefined,
      { json, ...options }: Omit<MineOptions, "run" | "signal" | "warn" | "onProgress"> & { json?: true },
    ) => {
      for (const file of options.prompts ?? []) existingFile(file);
      const { minePairFiles } = await load();
      const mined = await runInterruptible({ label: "pairs", stopping: "stopping; nothing is written" }, (signal, progress) =>
        minePairFiles({
          ...options,
          ...(run === undefined ? {} : { run }),
          signal,
          warn,
          onProgress: (state) => progress.update({ phase: "answers", ...state }),
        }),
      );
      if (mined === undefined) return;
      const file = ({ file: path, pairs, prompts }: MinedPairs["train"]) => `${path}: ${pairs} pairs of ${prompts} problems`;
      print(
        json,
        mined,
        `${mined.responses} graded answers${mined.steps === undefined ? "" : ` of ${mined.steps} steps`}; ${mined.mixed_prompts} of ${mined.prompts} problems have right and wrong ones\n${file(mined.train)}\n${file(mined.held_out)}`,
      );
    },
  );
}

function addSteps(command: Command, load: () => Promise<RewardModelWork>): void {
  addEngineOptions(
    command
      .command("steps")
      .description(
        "Labelled steps for a process reward model (Monte Carlo): a policy's answers are cut into steps, and the policy goes on from after each of them; the label is how often it then is right.",
      )
      .requiredOption("--model <dir>", "the policy, in the Hugging Face layout: a folder, or a name on the hub (owner/name@revision)")
      .requiredOption("--prompts <files...>", "files of problems in verl's row schema")
      .requiredOption(
        "--out <dir>",
        "folder for train.parquet and heldout.parquet (prompt, completions, labels: as TRL reads them; values: shares of right continuations)",
      )
      .option("--answers <N>", "answers to a problem; those that are alike count once", wholeNumber(1), 4)
      .option("--continuations <N>", "continuations after each step", wholeNumber(1), 8)
      .option("--separator <text>", "what stands between two steps; \\n is a new line", separatorText, "\n\n")
      .option("--mixed", "only problems that have right and wrong answers")
      .option("--temperature <τ>", "logits are divided by it", positiveNumber(), 1)
      .option("--max-new-tokens <N>", "cap on an answer (default: what the model's positions leave)", wholeNumber(1))
      .option("--held-out <share>", "share of the problems held out", share, 0.1)
      .option("--seed <s>", "what is drawn, and which problems are held out", wholeNumber(0), 0)
      .option("--jobs <N>", "grading processes (default: one per processor)", wholeNumber(1))
      .option("--json", "print the outcome as JSON on stdout"),
  ).action(async ({ json, ...options }: Omit<MakeStepsOptions, "signal" | "warn" | "onProgress"> & { json?: true }) => {
    for (const file of options.prompts) existingFile(file);
    const { makeSteps } = await load();
    const made = await runInterruptible(
      { label: "steps", stopping: "stopping; the same command goes on where it was" },
      (signal, progress) => makeSteps({ ...options, signal, warn, onProgress: (state) => progress.update(state) }),
    );
    if (made === undefined) return;
    const file = ({ file: path, answers, problems }: MadeSteps["train"]) => `${path}: ${answers} answers to ${problems} problems`;
    print(
      json,
      made,
      `${made.answers} answers in ${made.steps} steps, ${percent(made.wrong_steps / made.steps)} of them wrong (no continuation right)\n${file(made.train)}\n${file(made.held_out)}`,
    );
  });
}

function addTrain(command: Command, load: () => Promise<RewardModelWork>): void {
  const train = command
    .command("train")
    .description("Train a reward model on pairs (Bradley–Terry) or on labelled steps: a language model's weights with a new scalar head.")
    .option("--model <dir>", "the backbone, in the Hugging Face layout: a folder, or a name on the hub (owner/name@revision)")
    .option("--pairs <files...>", "parquet or JSONL of pairs: prompt, chosen, rejected; margin where loss.margin asks for it")
    .option("--steps <files...>", "instead: parquet or JSONL of labelled steps (prompt, completions, labels), for a process reward model")
    .option("--validation <files...>", "the same, held out");
  addTrainingFolderOptions(train)
    .addHelpText(
      "after",
      `
RUN/model is the model: transformers' AutoModelForSequenceClassification loads it with the same scores, and AutoModelForTokenClassification one of steps.
Keys of --set and their defaults:
  loss:      center 0.01 (weight of the squared sum of both scores), token 0 (weight of a loss on every token), margin false;
             of steps: step bce (mse), labels soft (hard)
  training:  epochs 1, batch_size 32, learning_rate 1e-5, schedule cosine (linear, constant), warmup 0.03 (from 1 on: steps), micro_batch_tokens 16384
  data:      max_length (the model's positions)      evaluation: every (steps)
  optimizer: betas, weight_decay 0.01, max_grad_norm 1   checkpoint: every 20, keep 2      seed 0
  memory:    limit_gib (what the machine has): a training that would take more is refused`,
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
      const { examples, steps, validation, step_validation: stepValidation, model, report } = outcome;
      const measures = [
        ...(validation === undefined ? [] : [measuresText(validation)]),
        ...(stepValidation === undefined ? [] : [stepMeasuresText(stepValidation)]),
      ];
      print(
        json,
        outcome,
        [
          `${examples} ${recipe.data.kind === "pairs" ? "pairs" : "answers"}, ${steps} updates`,
          ...measures,
          `model: ${model}`,
          `report: ${report}`,
        ].join("\n"),
      );
    });
}

function addEvaluate(command: Command, load: () => Promise<RewardModelWork>): void {
  addEngineOptions(
    command
      .command("evaluate")
      .description(
        "Accuracy, calibration and length bias of a reward model on pairs, or of a process reward model on labelled steps, and a report.",
      )
      .requiredOption(
        "--model <dir>",
        "a reward model: a sequence classifier (with --steps a token classifier) with one label in the Hugging Face layout, or its name on the hub",
      )
      .option("--pairs <files...>", "parquet or JSONL of pairs: prompt, chosen, rejected")
      .option("--steps <files...>", "parquet or JSONL of labelled steps: prompt, completions, labels")
      .option("--out <dir>", "folder for results.json and report.html", "reward-model-evaluation")
      .option("--json", "print the measures as JSON on stdout"),
  ).action(async ({ json, ...options }: Omit<EvaluateOptions, "warn" | "onProgress"> & EngineFlags & { json?: true }) => {
    for (const file of [...(options.pairs ?? []), ...(options.steps ?? [])]) existingFile(file);
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
    const { measures, step_measures: stepMeasures, ...about } = outcome;
    const { scores: _, ...ofPairs } = measures ?? { scores: undefined };
    const { judged: __, ...ofSteps } = stepMeasures ?? { judged: undefined };
    print(
      json,
      {
        ...about,
        ...(measures === undefined ? {} : { measures: ofPairs }),
        ...(stepMeasures === undefined ? {} : { step_measures: ofSteps }),
      },
      `${measures === undefined ? stepMeasuresText(stepMeasures!) : measuresText(measures)}\nreport: ${outcome.report}`,
    );
  });
}

function stepMeasuresText({
  answers,
  steps,
  accuracy,
  ece,
  logLoss,
  erroneous,
  faultless,
  f1,
}: Omit<AnswerStepMeasures, "judged">): string {
  const errors =
    f1 === undefined
      ? ""
      : `; first error found in ${percent(erroneous.found!)} of ${erroneous.answers} answers, none suspected in ${percent(faultless.passed!)} of ${faultless.answers} (F1 ${percent(f1)})`;
  return `${steps} steps of ${answers} held-out answers: accuracy ${percent(accuracy)}, ECE ${percent(ece)}, log loss ${logLoss.toFixed(4)}${errors}`;
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

/** `\\n` and `\\t` as a shell passes them. */
function separatorText(text: string): string {
  if (text === "") throw new ConfigError({ who: "--separator", expected: "at least one character", received: '""' });
  return text.replaceAll("\\n", "\n").replaceAll("\\t", "\t");
}
