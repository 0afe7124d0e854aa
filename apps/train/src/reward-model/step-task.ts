// Training on answers in labelled steps: after each step the model is to say whether it leads to a right answer.
import { saveScalarModel } from "@longcot/language-model";
import { createStepTrainer } from "@longcot/reward-model";
import { optimizerOptions } from "../recipe/optimizer-options.ts";
import { measureSteps } from "./measure-steps.ts";
import { writeStepSeparator } from "./process-file.ts";
import type { Measured, RewardTask, TaskContext } from "./reward-task.ts";
import { loadLabelledSteps } from "./step-data.ts";

/** @throws as `loadLabelledSteps`. */
export async function stepTask({ recipe, tokenizer, most, warn, openModel }: TaskContext): Promise<RewardTask> {
  const { data, loss, optimizer, training } = recipe;
  const read = (paths: string | string[]) => loadLabelledSteps(paths, { tokenizer, most, targets: loss.labels, warn });
  const { answers, separator } = await read(data.train);
  const validation = data.validation === undefined ? [] : (await read(data.validation)).answers;
  const lengthOf = ({ tokens }: (typeof answers)[number]) => tokens.length;
  const model = await openModel("token-scalar", [...answers, ...validation].map(lengthOf));
  const trainer = await createStepTrainer(model, {
    loss: loss.step,
    batchTokens: training.micro_batch_tokens,
    optimizer: optimizerOptions(optimizer),
  });
  const measured: Measured = {};
  return {
    unit: "answers",
    model,
    trainer: trainer.trainer,
    lengths: answers.map(lengthOf),
    sequences: () => answers.flatMap(({ tokens, targets }) => [tokens, Float64Array.from(targets)]),
    async step(indices, learningRate) {
      const metrics = await trainer.step(
        indices.map((index) => answers[index]!),
        learningRate,
      );
      return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`train/${name}`, value]));
    },
    async measure(onProgress) {
      if (validation.length === 0) return {};
      measured.steps = await measureSteps(model, validation, { batchTokens: training.micro_batch_tokens, onProgress });
      const { accuracy, logLoss, ece, f1 } = measured.steps;
      return { "val/accuracy": accuracy, "val/loss": logLoss, "val/ece": ece, ...(f1 === undefined ? {} : { "val/first_error_f1": f1 }) };
    },
    measured,
    async saveModel(directory) {
      await saveScalarModel(model, directory, { dtype: "float32" });
      writeStepSeparator(directory, separator);
    },
    close: () => trainer.close(),
  };
}
