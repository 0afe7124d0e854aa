// A fine-tuning, top to bottom: model, examples, steps with validation and avg@k on the way, checkpoints.
//   longcot sft --model DIR --data rows.parquet
import { createHash } from "node:crypto";
import { join } from "node:path";
import { completionLength, learningRateAt, planEpochs } from "@longcot/distillation";
import type { Example, TrainingLength } from "@longcot/distillation";
import { ConfigError } from "@longcot/errors";
import {
  checkTokenizerFits,
  countParameters,
  createLanguageModel,
  loadTokenizer,
  readCompanionFiles,
  readModelConfig,
  saveAdapter,
  saveLanguageModel,
} from "@longcot/language-model";
import type { LanguageModel, ModelConfig, Tokenizer } from "@longcot/language-model";
import type { Engine } from "@longcot/tensor-kernels";
import { thinkingOf } from "../models/prompt-tokens.ts";
import { resolveModel } from "../models/resolve-model.ts";
import { loadWithAdapters, newModelConfig } from "../training/prepare-model.ts";
import { loadTrainingPrompts } from "../training/prompts.ts";
import { openVerifierPool } from "../training/verifier-pool.ts";
import { openRecipeEngine } from "../training/open-recipe-engine.ts";
import { evaluateModel } from "./evaluate-sft.ts";
import { openLearner } from "./open-learner.ts";
import { loadSftData } from "./sft-data.ts";
import { checkSftMemory } from "./sft-memory.ts";
import type { SftEvaluation, SftFolder } from "./sft-folder.ts";
import type { SftRecipe } from "./sft-recipe.ts";
import { writeSftReport } from "./sft-report.ts";
import { restoreTraining, saveTraining, warmupSteps } from "./training-checkpoint.ts";
import type { TrainingState } from "./training-checkpoint.ts";

export interface SftJob {
  recipe: SftRecipe;
  /** Called once, after model and data are known to fit: a run that cannot start leaves nothing behind. */
  openFolder: () => Promise<SftFolder>;
  /** Aborted by Ctrl-C: the work saves a checkpoint and rejects with the signal's reason. */
  signal: AbortSignal;
  warn: (text: string) => void;
  onProgress: (progress: { phase: string; done: number; total: number; text: string }) => void;
}

export interface SftOutcome {
  folder: string;
  /** Where the model is. */
  model: string;
  engine: string;
  examples: number;
  steps: number;
  epochs: number;
  /** Completion tokens learnt from. */
  tokens: number;
  /** Mean over the last step's tokens, nats. */
  train_loss: number;
  /** The page with curves and accuracy. */
  report: string;
  /** The last evaluation; absent where a resumed run had nothing left to do. */
  final?: SftEvaluation;
}

/** What a checkpoint holds beside weights and moments. */
interface SftState extends TrainingState {
  tokens: number;
  train_loss: number;
  /** The run was stopped during the evaluation of this step: it comes first when the run goes on. */
  evaluation_due?: true;
}

export async function runSft({ recipe, openFolder, signal, warn, onProgress }: SftJob): Promise<SftOutcome> {
  const { training, evaluation, data: files } = recipe;
  const opened = await openRecipeEngine(recipe.engine);
  try {
    // --- model and data ---------------------------------------------------------------------------------------------------------------
    const source = await openSource(recipe);
    const { config, tokenizer } = source;
    const data = await loadSftData(recipe, { tokenizer, positions: config.maxPositionEmbeddings, warn });
    const emit = (event: { type: string; text?: string }) => {
      if (event.type === "warning" && event.text !== undefined) warn(event.text);
    };
    const problems =
      files.problems === undefined
        ? []
        : await loadTrainingPrompts(files.problems, { tokenizer, maxPromptLength: files.max_prompt_length, emit });
    const maxNewTokens = evaluationCap(recipe, config.maxPositionEmbeddings, problems);
    await checkSftMemory(recipe, { config, examples: [...data.train, ...data.validation], problems, maxNewTokens, warn });
    await using pool =
      problems.length === 0
        ? undefined
        : await openVerifierPool(recipe.verifier, { thinking: thinkingOf(tokenizer), prompts: problems, emit });
    const batches = planEpochs({
      lengths: data.train.map(completionLength),
      batchSize: training.batch_size,
      until: lengthOf(training),
      seed: recipe.seed,
      curriculumEpochs: training.length_curriculum_epochs,
    });
    const plan = planHash(data.train, batches);
    const steps = batches.length;
    const epochsAfter = (done: number) => batches.slice(0, done).reduce((sum, batch) => sum + batch.length, 0) / data.train.length;
    const rate = {
      peak: training.learning_rate,
      schedule: training.schedule,
      warmupSteps: warmupSteps(training.warmup, steps),
      minRatio: training.min_learning_rate,
      steps,
    };
    const prepared = { model: await source.load(opened), tokenizer };
    const { model } = prepared;
    const folder = await openFolder();
    const learner = await openLearner(prepared, data.train, recipe, { folder: folder.path, onProgress });

    // --- where it stands --------------------------------------------------------------------------------------------------------------
    const restored = await restoreTraining<SftState>(folder, { model, trainer: learner.trainer }, { plan, what: "the examples" });
    let [step, tokens, trainLoss] = restored === undefined ? [0, 0, 0] : [restored.step, restored.state.tokens, restored.state.train_loss];
    const state = (isEvaluated: boolean): SftState => ({
      updates: learner.trainer.updates,
      tokens,
      train_loss: trainLoss,
      plan,
      ...(isEvaluated ? {} : { evaluation_due: true }),
    });
    const saveModel = (directory: string) =>
      (model.lora === undefined ? saveLanguageModel : saveAdapter)(model, directory, { dtype: "float32" });
    const save = (isEvaluated = true): Promise<void> =>
      saveTraining(folder, step, { trainer: learner.trainer, saveModel, state: state(isEvaluated) });
    const facts = { engine: opened.description, parameters: countParameters(model), examples: data.train.length, steps };
    const report = (): string => writeSftReport(folder.path, recipe, facts);
    let evaluated: SftEvaluation | undefined;
    /** Validation loss and avg@k as the model is now, recorded; false where the signal came first. */
    const evaluateNow = async (): Promise<boolean> => {
      const label = step === 0 ? "start" : step === steps ? "final" : `step ${step}`;
      const context = { prepared, pool, problems, validation: data.validation, maxNewTokens };
      const record = await evaluateModel(recipe, context, { label, step, signal, onProgress }).catch((error: unknown) => {
        if (!signal.aborted || error !== signal.reason) throw error;
      });
      if (record === undefined) return false;
      evaluated = record;
      if (record.validation_loss !== undefined || record.results !== undefined) folder.appendEvaluation(record);
      if (step < steps) report();
      return true;
    };

    // --- steps ------------------------------------------------------------------------------------------------------------------------
    if (restored === undefined) {
      const isEvaluated = await evaluateNow();
      await save(isEvaluated);
      if (!isEvaluated) throw signal.reason;
    } else if (restored.state.evaluation_due === true) {
      if (!(await evaluateNow())) throw signal.reason;
      folder.amendCheckpoint(step, state(true));
    }
    const start = performance.now();
    const firstToken = tokens;
    while (step < steps) {
      if (signal.aborted) {
        await save();
        report();
        throw signal.reason;
      }
      const began = performance.now();
      const learningRate = learningRateAt(step + 1, rate);
      const learnt = await learner.step(batches[step]!, learningRate);
      const now = performance.now();
      const seconds = (now - began) / 1000;
      step++;
      tokens += learnt.tokens;
      trainLoss = learnt.loss;
      onProgress({
        phase: "train",
        done: step,
        total: steps,
        text: `step ${step} of ${steps}, loss ${trainLoss.toFixed(3)}, ${Math.round(((tokens - firstToken) * 1000) / (now - start))} tokens/s`,
      });
      folder.appendMetrics(step, {
        "train/loss": learnt.loss,
        "train/entropy": learnt.entropy,
        ...(learnt.divergence === undefined ? {} : { "train/divergence": learnt.divergence }),
        "train/grad_norm": learnt.gradNorm,
        "train/lr": learningRate,
        "train/tokens": tokens,
        "train/epoch": epochsAfter(step),
        "timing_s/step": seconds,
        "perf/throughput": learnt.tokens / seconds,
      });
      const isDue = step === steps || (evaluation.every !== undefined && step % evaluation.every === 0);
      const isEvaluated = !isDue || (await evaluateNow());
      if (!isEvaluated || step === steps || step % recipe.checkpoint.every === 0) await save(isEvaluated);
      if (!isEvaluated) throw signal.reason;
    }
    await learner.close();
    return {
      folder: folder.path,
      model: join(folder.path, "model"),
      engine: opened.description,
      examples: data.train.length,
      steps,
      epochs: epochsAfter(steps),
      tokens,
      train_loss: trainLoss,
      report: report(),
      ...(evaluated === undefined ? {} : { final: evaluated }),
    };
  } finally {
    await opened.close();
  }
}

/** The model that a recipe starts from, its weights not loaded yet. */
interface ModelSource {
  config: ModelConfig;
  tokenizer: Tokenizer;
  load(engine: Engine): Promise<LanguageModel>;
}

async function openSource(recipe: SftRecipe): Promise<ModelSource> {
  const { model, lora, seed } = recipe;
  const directory = await resolveModel(typeof model === "string" ? model : recipe.tokenizer!);
  const tokenizer = await loadTokenizer(directory);
  if (typeof model === "string") {
    const config = await readModelConfig(directory);
    checkTokenizerFits(config, tokenizer);
    return { config, tokenizer, load: (engine) => loadWithAdapters(engine, directory, { reference: model, lora, seed }) };
  }
  const config = newModelConfig(model, tokenizer);
  const companions = await readCompanionFiles(directory);
  return { config, tokenizer, load: (engine) => createLanguageModel(engine, config, companions, { seed }) };
}

function lengthOf({ epochs, steps, tokens }: SftRecipe["training"]): TrainingLength {
  if (steps !== undefined) return { steps };
  if (tokens !== undefined) return { tokens };
  return { epochs: epochs ?? DEFAULT_EPOCHS };
}

const DEFAULT_EPOCHS = 3;
/** Most new tokens of an evaluation's answer where the recipe does not say. */
const MOST_NEW_TOKENS = 2048;

function evaluationCap({ evaluation }: SftRecipe, positions: number, problems: readonly { tokens: Int32Array }[]): number {
  const room = positions - problems.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
  const wanted = evaluation.max_new_tokens ?? Math.min(room, MOST_NEW_TOKENS);
  if (problems.length > 0 && (wanted > room || wanted < 1))
    throw new ConfigError({
      who: "evaluation.max_new_tokens",
      expected: `at most ${room}, which the longest problem leaves of the model's ${positions} positions`,
      received: String(wanted),
    });
  return wanted;
}

/** Equal for equal examples in equal batches. */
function planHash(examples: readonly Example[], batches: readonly (readonly number[])[]): string {
  const hash = createHash("sha256");
  for (const { tokens, promptLength } of examples) hash.update(tokens).update(String(promptLength));
  return hash.update(JSON.stringify(batches)).digest("hex");
}
