// Supervised steps of a model: batches of examples packed into rows, loss on the completions alone, one AdamW update each.
import { createTrainer, crossEntropyLoss, planBatches, score } from "@longcot/language-model";
import type { LanguageModel, OptimizerOptions, Trainer } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
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
      const tokens = examples.reduce((sum, example) => sum + completionLength(example), 0);
      if (tokens === 0)
        throw new ConfigError({
          who: "SupervisedTrainer.step",
          argument: "examples",
          expected: "at least one completion token",
          received: "none",
        });
      const denominator = Float32Array.of(tokens);
      let [loss, entropy] = [0, 0];
      for (const { indices, rows, time, packing } of planBatches(
        examples.map((example) => example.tokens.length),
        { batchTokens, most: model.config.maxPositionEmbeddings },
      )) {
        const inputIds = new Int32Array(rows * time);
        const mask = new Float32Array(rows * time);
        indices.forEach((index, row) => {
          const example = examples[index]!;
          inputIds.set(example.tokens, row * time);
          mask.fill(1, row * time + example.promptLength, row * time + example.tokens.length);
        });
        const part = await trainer.accumulate({ rows, time, packing, inputIds, inputs: { mask, denominator } });
        loss += part.loss;
        entropy += part.entropy;
      }
      const { gradNorm } = await trainer.apply(learningRate);
      return { loss, entropy, gradNorm, tokens };
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
