// Supervised steps of a model: batches of examples packed into rows, loss on the completions alone, one AdamW update each.
import { createTrainer, crossEntropyLoss, score } from "@longcot/language-model";
import type { LanguageModel, OptimizerOptions, Trainer } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
import { accumulateExamples } from "./accumulate-examples.ts";
import { completionLength, type Example } from "./example.ts";

export interface SupervisedOptions {
  readonly optimizer: OptimizerOptions;
  /** Most tokens of one forward and backward pass, prompts and padding included. */
  readonly batchTokens: number;
  /** A third more time for far less memory. Default false. */
  readonly gradientCheckpointing?: boolean;
}

/** What a step came to. */
export interface SupervisedStep {
  /** Mean over the batch's completion tokens of −log p, nats, before the update. */
  readonly loss: number;
  /** Mean entropy of the same tokens' distributions, nats. */
  readonly entropy: number;
  readonly gradNorm: number;
  /** Completion tokens. */
  readonly tokens: number;
}

export interface SupervisedTrainer {
  /**
   * Learns from one batch: sequences share rows, none sees another, and the numbers are those of one sequence at a time.
   * @throws ConfigError for an empty batch, or an example longer than the model's positions or the token budget; NumericError where the gradient is not finite.
   */
  step(examples: readonly Example[], learningRate: number): Promise<SupervisedStep>;
  /** The optimizer's state: {@link Trainer.stateTensors}, {@link Trainer.restore}. */
  readonly trainer: Pick<Trainer<never, never>, "updates" | "stateTensors" | "restore">;
  /** Frees the optimizer's memory; the model stays. */
  close(): Promise<void>;
}

/** A trainer of what is trainable in `model`: its weights, or its adapters alone where it has some. */
export async function createSupervisedTrainer(
  model: LanguageModel,
  { optimizer, batchTokens, gradientCheckpointing = false }: SupervisedOptions,
): Promise<SupervisedTrainer> {
  const trainer = await createTrainer(model, { loss: crossEntropyLoss, optimizer, gradientCheckpointing });
  return {
    trainer,
    async step(examples, learningRate) {
      const batch = { model, examples, batchTokens, who: "SupervisedTrainer.step" };
      const { tokens, sums } = await accumulateExamples(
        batch,
        ["loss", "entropy"],
        ({ rows, time, packing, inputIds, mask, denominator }) =>
          trainer.accumulate({ rows, time, packing, inputIds, inputs: { mask, denominator } }),
      );
      const { gradNorm } = await trainer.apply(learningRate);
      return { ...sums, gradNorm, tokens };
    },
    close: () => trainer.close(),
  };
}

/** Mean −log p of the completion tokens of all `examples`, in nats, as the model is now. */
export async function validationLoss(
  model: LanguageModel,
  examples: readonly Example[],
  options: { readonly batchTokens: number; readonly onProgress?: (progress: { done: number; total: number }) => void },
): Promise<number> {
  const scores = await score(
    model,
    examples.map(({ tokens }) => tokens),
    { temperature: 1, ...options },
  );
  let [sum, tokens] = [0, 0];
  scores.forEach(({ logProbs }, i) => {
    for (const logProb of logProbs.subarray(examples[i]!.promptLength)) sum -= logProb;
    tokens += completionLength(examples[i]!);
  });
  if (tokens === 0)
    throw new ConfigError({ who: "validationLoss", argument: "examples", expected: "at least one completion token", received: "none" });
  return sum / tokens;
}
