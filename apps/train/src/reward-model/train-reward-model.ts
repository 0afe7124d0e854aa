// The training of a reward model, top to bottom: backbone with a new head, what it learns from, steps with measurements on the way, checkpoints, report.
//   longcot reward-model train --model DIR --pairs train.parquet --validation heldout.parquet
//   longcot reward-model train --model DIR --steps train.parquet --validation heldout.parquet
import { createHash } from "node:crypto";
import { join } from "node:path";
import { learningRateAt, planEpochs } from "@longcot/distillation";
import { atomicWrite, readLog } from "@longcot/durable-files";
import { checkTokenizerFits, createScalarModel, loadTokenizer, readModelConfig } from "@longcot/language-model";
import type { Metrics } from "../events.ts";
import { resolveModel } from "../models/resolve-model.ts";
import { METRICS_FILE } from "../run/records.ts";
import type { SftFolder } from "../sft/sft-folder.ts";
import { restoreTraining, saveTraining, warmupSteps } from "../sft/training-checkpoint.ts";
import { openRecipeEngine } from "../training/open-recipe-engine.ts";
import type { PairMeasures } from "./measure-pairs.ts";
import type { AnswerStepMeasures } from "./measure-steps.ts";
import { pairTask } from "./pair-task.ts";
import { checkRewardMemory } from "./reward-memory.ts";
import { renderRewardReport } from "./reward-report.ts";
import type { RewardRecipe } from "./reward-recipe.ts";
import type { RewardTask, TaskContext } from "./reward-task.ts";
import { stepTask } from "./step-task.ts";

export interface RewardJob {
  recipe: RewardRecipe;
  /** Called once, after model and data are known to fit: a training that cannot start leaves nothing behind. */
  openFolder: () => Promise<SftFolder>;
  /** Aborted by Ctrl-C: the work saves a checkpoint and rejects with the signal's reason. */
  signal: AbortSignal;
  warn: (text: string) => void;
  onProgress: (progress: { phase: string; done: number; total: number; text: string }) => void;
}

export interface RewardOutcome {
  folder: string;
  /** Where the model is. */
  model: string;
  engine: string;
  /** Pairs, or answers in steps, that it was trained on. */
  examples: number;
  steps: number;
  report: string;
  /** Of the validation pairs or steps, without their scores; absent where there are none. */
  validation?: Omit<PairMeasures, "scores">;
  step_validation?: Omit<AnswerStepMeasures, "judged">;
}

export async function trainRewardModel({ recipe, openFolder, signal, warn, onProgress }: RewardJob): Promise<RewardOutcome> {
  const { training, seed } = recipe;
  const engine = await openRecipeEngine(recipe.engine);
  try {
    // --- model and data ---------------------------------------------------------------------------------------------------------------
    const directory = await resolveModel(recipe.model);
    const tokenizer = await loadTokenizer(directory);
    const config = await readModelConfig(directory);
    checkTokenizerFits(config, tokenizer);
    const most = Math.min(recipe.data.max_length ?? config.maxPositionEmbeddings, config.maxPositionEmbeddings);
    const padTokenId = config.padTokenId ?? tokenizer.padTokenId;
    const context: TaskContext = {
      recipe,
      tokenizer,
      most,
      warn,
      async openModel(kind, lengths) {
        checkRewardMemory(recipe, { config, lengths, warn });
        return await createScalarModel(engine, directory, { head: { seed }, kind, ...(padTokenId === undefined ? {} : { padTokenId }) });
      },
    };
    const task: RewardTask = await (recipe.data.kind === "pairs" ? pairTask(context) : stepTask(context));
    const batches = planEpochs({ lengths: task.lengths, batchSize: training.batch_size, until: { epochs: training.epochs }, seed });
    const steps = batches.length;
    const plan = createHash("sha256").update(JSON.stringify(batches));
    for (const tokens of task.sequences()) plan.update(tokens);
    const planHash = plan.digest("hex");
    const folder = await openFolder();
    const { trainer } = task;

    // --- where it stands --------------------------------------------------------------------------------------------------------------
    const restored = await restoreTraining(folder, { model: task.model, trainer }, { plan: planHash, what: `the ${task.unit}` });
    let step = restored?.step ?? 0;
    const save = (): Promise<void> =>
      saveTraining(folder, step, {
        trainer,
        saveModel: (directory) => task.saveModel(directory),
        state: { updates: trainer.updates, plan: planHash },
      });
    let isMeasured = false;
    const measure = async (): Promise<Metrics> => {
      isMeasured = true;
      return await task.measure(({ done, total }) =>
        onProgress({ phase: `validation ${step}`, done, total, text: `validation ${done} of ${total} answers` }),
      );
    };

    // --- steps ------------------------------------------------------------------------------------------------------------------------
    const rate = {
      peak: training.learning_rate,
      schedule: training.schedule,
      warmupSteps: warmupSteps(training.warmup, steps),
      steps,
    };
    while (step < steps) {
      if (signal.aborted) {
        await save();
        throw signal.reason;
      }
      const began = performance.now();
      const learningRate = learningRateAt(step + 1, rate);
      const batch = batches[step]!;
      const metrics = await task.step(batch, learningRate);
      const seconds = (performance.now() - began) / 1000;
      step++;
      onProgress({
        phase: "train",
        done: step,
        total: steps,
        text: `step ${step} of ${steps}, loss ${metrics["train/loss"]!.toFixed(3)}, ${(100 * metrics["train/accuracy"]!).toFixed(0)}% of the batch right`,
      });
      const isDue = step === steps || (recipe.evaluation.every !== undefined && step % recipe.evaluation.every === 0);
      folder.appendMetrics(step, {
        ...metrics,
        "train/lr": learningRate,
        "train/epoch": batches.slice(0, step).reduce((sum, { length }) => sum + length, 0) / task.lengths.length,
        ...(isDue ? await measure() : {}),
        "timing_s/step": seconds,
        "perf/throughput": batch.reduce((sum, index) => sum + task.lengths[index]!, 0) / seconds,
      });
      if (step === steps || step % recipe.checkpoint.every === 0) await save();
    }
    // A training that goes on after its last step has no measures of its own yet.
    if (!isMeasured) await measure();
    await task.close();
    const report = join(folder.path, "report.html");
    const metrics = readLog<Metrics>(join(folder.path, METRICS_FILE));
    const { measured } = task;
    atomicWrite(
      report,
      renderRewardReport({
        name: recipe.name,
        trainedOn: `${task.lengths.length} ${task.unit}`,
        engine: engine.description,
        metrics,
        measured,
      }),
    );
    const { scores: _, ...pairs } = measured.pairs ?? { scores: undefined };
    const { judged: __, ...judgedSteps } = measured.steps ?? { judged: undefined };
    return {
      folder: folder.path,
      model: join(folder.path, "model"),
      engine: engine.description,
      examples: task.lengths.length,
      steps,
      report,
      ...(measured.pairs === undefined ? {} : { validation: pairs as Omit<PairMeasures, "scores"> }),
      ...(measured.steps === undefined ? {} : { step_validation: judgedSteps as Omit<AnswerStepMeasures, "judged"> }),
    };
  } finally {
    await engine.close();
  }
}
