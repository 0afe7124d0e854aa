// A process reward model's updates on answers whose steps are labelled.
import { createScalarTrainer, planBatches } from "@longcot/language-model";
import type { OptimizerOptions, ScalarModel, Trainer } from "@longcot/language-model";
import { ShapeError } from "@longcot/errors";
import { stepLoss } from "./step-loss.ts";
import type { StepInput, StepLossKind, StepMetric } from "./step-loss.ts";

/** Prompt and answer as token ids, with what is known of its steps. */
export interface LabelledSteps {
  readonly tokens: Int32Array;
  /** [steps]: places of the tokens that end them. */
  readonly ends: readonly number[];
  /** [steps]: from 0 to 1. */
  readonly targets: readonly number[];
}

export interface StepTrainer {
  /** Weights' optimizer: state, restore, updates. */
  readonly trainer: Trainer<StepInput, StepMetric>;
  /** One update on the mean loss of the answers' steps. @throws NumericError, the weights unchanged, where the gradient is not finite. */
  step(answers: readonly LabelledSteps[], learningRate: number): Promise<Record<"loss" | StepMetric | "grad_norm", number>>;
  close(): Promise<void>;
}

export interface StepTrainerOptions {
  readonly loss: StepLossKind;
  readonly optimizer: OptimizerOptions;
  /** Most tokens in one forward and backward pass. Default 16384. */
  readonly batchTokens?: number | undefined;
}

/** Creates the optimizer's state for `model`, all of whose weights are trained. */
export async function createStepTrainer(model: ScalarModel, options: StepTrainerOptions): Promise<StepTrainer> {
  const { loss, optimizer, batchTokens = 16_384 } = options;
  const trainer = await createScalarTrainer(model, { loss: stepLoss(loss), optimizer });
  return {
    trainer,
    async step(answers, learningRate) {
      const steps = answers.reduce((sum, { ends }) => sum + ends.length, 0);
      if (steps === 0)
        throw new ShapeError({ who: "StepTrainer.step", argument: "answers", expected: "at least one step", received: "none" });
      const plan = planBatches(
        answers.map(({ tokens }) => tokens.length),
        { batchTokens, most: model.config.maxPositionEmbeddings },
      );
      const sums: Record<"loss" | StepMetric, number> = { loss: 0, accuracy: 0 };
      for (const { indices, rows, time, packing } of plan) {
        const inputIds = new Int32Array(rows * time);
        const weights = new Float32Array(rows * time);
        const targets = new Float32Array(rows * time);
        for (const [row, index] of indices.entries()) {
          const { tokens, ends, targets: wanted } = answers[index]!;
          inputIds.set(tokens, row * time);
          for (const [step, end] of ends.entries()) {
            weights[row * time + end] = 1 / steps;
            targets[row * time + end] = wanted[step]!;
          }
        }
        const metrics = await trainer.accumulate({
          rows,
          time,
          packing,
          inputIds,
          inputs: { step_weights: weights, step_targets: targets },
        });
        for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += metrics[name];
      }
      const { gradNorm } = await trainer.apply(learningRate);
      return { ...sums, grad_norm: gradNorm };
    },
    close: () => trainer.close(),
  };
}
