// What a fine-tuning learns from: the examples' text alone, or also what a teacher would have said at every token of it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  checkSameTokenizer,
  createDistillationTrainer,
  createSupervisedTrainer,
  readTeacherScores,
  scoreExamples,
  writeTeacherScores,
} from "@longcot/distillation";
import type { DistillationStep, Example, ScoredExample, SupervisedStep, SupervisedTrainer, TeacherScoresInfo } from "@longcot/distillation";
import { loadLanguageModel, loadTokenizer } from "@longcot/language-model";
import { optimizerOptions } from "../recipe/optimizer-options.ts";
import type { PreparedModel } from "../training/prepare-model.ts";
import { resolveModel } from "../models/resolve-model.ts";
import type { SftJob } from "./run-sft.ts";
import type { SftRecipe } from "./sft-recipe.ts";

export interface Learner extends Pick<SupervisedTrainer, "trainer" | "close"> {
  /** One update from the examples of these numbers. */
  step(indices: readonly number[], learningRate: number): Promise<SupervisedStep & Partial<Pick<DistillationStep, "divergence">>>;
}

/** File of a run with the teacher's scores of its examples. */
const SCORES_FILE = "teacher-scores.arrow";

/**
 * The learner of `recipe` on `examples`. A teacher's scores are made once and kept in the run's folder.
 * @throws ConfigError where the teacher has another tokenizer.
 */
export async function openLearner(
  { model, tokenizer }: PreparedModel,
  examples: readonly Example[],
  recipe: SftRecipe,
  { folder, onProgress }: { folder: string } & Pick<SftJob, "onProgress">,
): Promise<Learner> {
  const { training, optimizer, teacher } = recipe;
  const options = {
    batchTokens: training.micro_batch_tokens,
    gradientCheckpointing: training.gradient_checkpointing,
    optimizer: optimizerOptions(optimizer),
  };
  if (teacher === undefined) {
    const trainer = await createSupervisedTrainer(model, options);
    return learnerOf(trainer, examples);
  }
  const directory = await resolveModel(teacher.model);
  checkSameTokenizer(
    { name: teacher.model, tokenizer: await loadTokenizer(directory) },
    { name: typeof recipe.model === "string" ? recipe.model : recipe.name, tokenizer },
  );
  const info: TeacherScoresInfo = {
    teacher: teacher.model,
    topK: Math.min(teacher.top_k, model.config.vocabSize),
    temperature: teacher.temperature,
  };
  const scored = await scoredExamples(directory, info, { model, tokenizer }, examples, recipe, { folder, onProgress });
  const trainer = await createDistillationTrainer(model, {
    ...options,
    temperature: teacher.temperature,
    topK: info.topK,
    divergence: { name: teacher.divergence, beta: teacher.beta, skew: teacher.skew },
    crossEntropyWeight: teacher.cross_entropy_weight,
  });
  return learnerOf(trainer, scored);
}

function learnerOf<One extends Example, Step>(
  {
    trainer,
    step,
    close,
  }: { step: (examples: readonly One[], learningRate: number) => Promise<Step> } & Pick<Learner, "trainer" | "close">,
  examples: readonly One[],
) {
  return {
    trainer,
    close,
    step: (indices: readonly number[], learningRate: number) =>
      step(
        indices.map((index) => examples[index]!),
        learningRate,
      ),
  };
}

async function scoredExamples(
  directory: string,
  info: TeacherScoresInfo,
  { model: { engine } }: PreparedModel,
  examples: readonly Example[],
  { training }: SftRecipe,
  { folder, onProgress }: { folder: string } & Pick<SftJob, "onProgress">,
): Promise<ScoredExample[]> {
  const path = join(folder, SCORES_FILE);
  if (existsSync(path)) return readTeacherScores(path).examples;
  const teacher = await loadLanguageModel(engine, directory, { name: "teacher" });
  const scored = await scoreExamples(teacher, examples, {
    topK: info.topK,
    temperature: info.temperature,
    batchTokens: training.micro_batch_tokens,
    onProgress: ({ done, total }) =>
      onProgress({ phase: "teacher", done, total, text: `teacher's scores of ${done} of ${total} examples` }),
  });
  for (const { variable } of teacher.parameters) await engine.release(variable);
  writeTeacherScores(path, scored, info);
  return scored;
}
