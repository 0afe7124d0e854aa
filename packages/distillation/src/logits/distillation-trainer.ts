// Supervised steps towards a teacher's distributions, the counterpart of the trainer that learns the text alone.
import { createTrainer } from "@longcot/language-model";
import type { LanguageModel } from "@longcot/language-model";
import { accumulateExamples } from "../sft/accumulate-examples.ts";
import type { SupervisedOptions, SupervisedStep, SupervisedTrainer } from "../sft/supervised-trainer.ts";
import { distillationLoss, type DistillationLossOptions } from "./distillation-loss.ts";
import type { ScoredExample } from "./teacher-scores.ts";

export interface DistillationStep extends SupervisedStep {
  /** Mean divergence from the teacher, nats per completion token, before the update. */
  readonly divergence: number;
}

export interface DistillationTrainer extends Pick<SupervisedTrainer, "trainer" | "close"> {
  /** Learns from one batch, packed as in {@link SupervisedTrainer.step}. `loss` is the weighted sum. */
  step(examples: readonly ScoredExample[], learningRate: number): Promise<DistillationStep>;
}

/** A trainer towards the teacher that scored the examples, at the temperature that it scored them at. */
export async function createDistillationTrainer(
  model: LanguageModel,
  {
    optimizer,
    batchTokens,
    gradientCheckpointing = false,
    temperature,
    ...loss
  }: SupervisedOptions & DistillationLossOptions & { readonly temperature: number },
): Promise<DistillationTrainer> {
  const { topK: k } = loss;
  const trainer = await createTrainer(model, { loss: distillationLoss(loss), temperature, optimizer, gradientCheckpointing });
  return {
    trainer,
    async step(examples, learningRate) {
      const batch = { model, examples, batchTokens, who: "DistillationTrainer.step" };
      const { tokens, sums } = await accumulateExamples(
        batch,
        ["loss", "entropy", "divergence"],
        ({ mask, denominator, placed, ...part }) => {
          const candidateIds = new Int32Array(part.rows * part.time * k);
          const teacher = new Float32Array(part.rows * part.time * k);
          for (const { example, start } of placed) {
            const first = start + example.promptLength;
            candidateIds.set(example.topIds, first * k);
            teacher.set(example.topLogProbs, first * k);
          }
          return trainer.accumulate({ ...part, candidateIds, inputs: { mask, denominator, teacher_log_probs: teacher } });
        },
      );
      const { gradNorm } = await trainer.apply(learningRate);
      return { ...sums, gradNorm, tokens };
    },
    close: () => trainer.close(),
  };
}
