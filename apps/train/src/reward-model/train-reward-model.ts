// The training of a reward model, top to bottom: backbone with a new head, pairs, steps with measurements on the way, checkpoints, report.
//   longcot reward-model train --model DIR --pairs train.parquet --validation heldout.parquet
import { createHash } from "node:crypto";
import { join } from "node:path";
import { learningRateAt, planEpochs } from "@longcot/distillation";
import { atomicWrite, readLog } from "@longcot/durable-files";
import { checkTokenizerFits, createScalarModel, loadTokenizer, readModelConfig, saveScalarModel } from "@longcot/language-model";
import { createRewardTrainer } from "@longcot/reward-model";
import { openEngine } from "@longcot/tensor-kernels";
import type { Metrics } from "../events.ts";
import { resolveModel } from "../models/resolve-model.ts";
import { METRICS_FILE } from "../run/records.ts";
import type { SftFolder } from "../sft/sft-folder.ts";
import { restoreTraining, saveTraining, warmupSteps } from "../sft/training-checkpoint.ts";
import { measurePairs } from "./measure-pairs.ts";
import type { PairMeasures } from "./measure-pairs.ts";
import { loadTokenPairs } from "./pair-data.ts";
import { renderRewardReport } from "./reward-report.ts";
import type { RewardRecipe } from "./reward-recipe.ts";

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
  pairs: number;
  steps: number;
  report: string;
  /** Of the validation pairs, without their scores; absent where there are none. */
  validation?: Omit<PairMeasures, "scores">;
}

export async function trainRewardModel({ recipe, openFolder, signal, warn, onProgress }: RewardJob): Promise<RewardOutcome> {
  const { training, optimizer, seed } = recipe;
  const engine = await openEngine({
    engine: recipe.engine.kind,
    ...(recipe.engine.threads === undefined ? {} : { threads: recipe.engine.threads }),
  });
  try {
    // --- model and pairs --------------------------------------------------------------------------------------------------------------
    const directory = await resolveModel(recipe.model);
    const tokenizer = await loadTokenizer(directory);
    const config = await readModelConfig(directory);
    checkTokenizerFits(config, tokenizer);
    const most = Math.min(recipe.data.max_length ?? config.maxPositionEmbeddings, config.maxPositionEmbeddings);
    const read = (paths: string | string[]) => loadTokenPairs(paths, { tokenizer, most, useMargins: recipe.loss.margin, warn });
    const pairs = await read(recipe.data.train);
    const validation = recipe.data.validation === undefined ? [] : await read(recipe.data.validation);
    const padTokenId = config.padTokenId ?? tokenizer.padTokenId;
    const model = await createScalarModel(engine, directory, { head: { seed }, ...(padTokenId === undefined ? {} : { padTokenId }) });
    const lengths = pairs.map(({ chosen, rejected }) => chosen.length + rejected.length);
    const batches = planEpochs({ lengths, batchSize: training.batch_size, until: { epochs: training.epochs }, seed });
    const steps = batches.length;
    const plan = createHash("sha256").update(JSON.stringify(batches));
    for (const { chosen, rejected } of pairs) plan.update(chosen).update(rejected);
    const planHash = plan.digest("hex");
    const folder = await openFolder();
    const trainer = await createRewardTrainer(model, {
      loss: { centerCoefficient: recipe.loss.center, tokenCoefficient: recipe.loss.token },
      batchTokens: training.micro_batch_tokens,
      optimizer: {
        betas: optimizer.betas,
        epsilon: optimizer.epsilon,
        weightDecay: optimizer.weight_decay,
        maxGradNorm: optimizer.max_grad_norm,
      },
    });

    // --- where it stands --------------------------------------------------------------------------------------------------------------
    const optimized = trainer.trainer;
    const restored = await restoreTraining(folder, { model, trainer: optimized }, { plan: planHash, what: "the pairs" });
    let step = restored?.step ?? 0;
    const save = (): Promise<void> =>
      saveTraining(folder, step, {
        trainer: optimized,
        saveModel: (directory) => saveScalarModel(model, directory, { dtype: "float32" }),
        state: { updates: optimized.updates, plan: planHash },
      });
    let measured: PairMeasures | undefined;
    const measure = async (): Promise<Metrics> => {
      if (validation.length === 0) return {};
      measured = await measurePairs(model, validation, {
        batchTokens: training.micro_batch_tokens,
        onProgress: ({ done, total }) =>
          onProgress({ phase: `validation ${step}`, done, total, text: `validation ${done} of ${total} answers` }),
      });
      return {
        "val/accuracy": measured.accuracy,
        "val/loss": measured.logLoss,
        "val/ece": measured.calibration.ece,
        "val/margin": measured.margin,
      };
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
      const batch = batches[step]!.map((index) => pairs[index]!);
      const { loss, accuracy, margin, center, token_loss, grad_norm } = await trainer.step(batch, learningRate);
      const seconds = (performance.now() - began) / 1000;
      step++;
      onProgress({
        phase: "train",
        done: step,
        total: steps,
        text: `step ${step} of ${steps}, loss ${loss.toFixed(3)}, ${(100 * accuracy).toFixed(0)}% of the batch in order`,
      });
      const isDue = step === steps || (recipe.evaluation.every !== undefined && step % recipe.evaluation.every === 0);
      folder.appendMetrics(step, {
        "train/loss": loss,
        "train/accuracy": accuracy,
        "train/margin": margin,
        "train/center": center,
        "train/token_loss": token_loss,
        "train/grad_norm": grad_norm,
        "train/lr": learningRate,
        "train/epoch": batches.slice(0, step).reduce((sum, { length }) => sum + length, 0) / pairs.length,
        ...(isDue ? await measure() : {}),
        "timing_s/step": seconds,
        "perf/throughput": batch.reduce((sum, { chosen, rejected }) => sum + chosen.length + rejected.length, 0) / seconds,
      });
      if (step === steps || step % recipe.checkpoint.every === 0) await save();
    }
    // A training that goes on after its last step has no measures of its own yet.
    if (measured === undefined) await measure();
    await trainer.close();
    const report = join(folder.path, "report.html");
    const metrics = readLog<Metrics>(join(folder.path, METRICS_FILE));
    const about = { name: recipe.name, pairs: pairs.length, engine: engine.description, metrics };
    atomicWrite(report, renderRewardReport({ ...about, ...(measured === undefined ? {} : { measures: measured }) }));
    const { scores: _, ...validated } = measured ?? { scores: undefined };
    return {
      folder: folder.path,
      model: join(folder.path, "model"),
      engine: engine.description,
      pairs: pairs.length,
      steps,
      report,
      ...(measured === undefined ? {} : { validation: validated as Omit<PairMeasures, "scores"> }),
    };
  } finally {
    await engine.close();
  }
}
