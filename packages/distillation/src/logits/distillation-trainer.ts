// Supervised steps towards a teacher's distributions, the counterpart of the trainer that learns the text alone.
import { createTrainer, planBatches } from "@longcot/language-model";
import type { LanguageModel } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
import { completionLength } from "../sft/example.ts";
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
      const tokens = examples.reduce((sum, example) => sum + completionLength(example), 0);
      if (tokens === 0)
        throw new ConfigError({
          who: "DistillationTrainer.step",
          argument: "examples",
          expected: "at least one completion token",
          received: "none",
        });
      const denominator = Float32Array.of(tokens);
      const sums = { loss: 0, entropy: 0, divergence: 0 };
      for (const { indices, rows, time, packing } of planBatches(
        examples.map((example) => example.tokens.length),
        { batchTokens, most: model.config.maxPositionEmbeddings },
      )) {
        const inputIds = new Int32Array(rows * time);
        const mask = new Float32Array(rows * time);
        const candidateIds = new Int32Array(rows * time * k);
        const teacher = new Float32Array(rows * time * k);
        indices.forEach((index, row) => {
          const example = examples[index]!;
          const first = row * time + example.promptLength;
          inputIds.set(example.tokens, row * time);
          mask.fill(1, first, row * time + example.tokens.length);
          candidateIds.set(example.topIds, first * k);
          teacher.set(example.topLogProbs, first * k);
        });
        const part = await trainer.accumulate({
          rows,
          time,
          packing,
          inputIds,
          candidateIds,
          inputs: { mask, denominator, teacher_log_probs: teacher },
        });
        for (const name of ["loss", "entropy", "divergence"] as const) sums[name] += part[name];
      }
      const { gradNorm } = await trainer.apply(learningRate);
      return { ...sums, gradNorm, tokens };
    },
    close: () => trainer.close(),
  };
}
