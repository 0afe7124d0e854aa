// What a reward model is trained on, as its training sees it: pairs of answers, or answers in labelled steps.
import type { ScalarHead, ScalarModel, Tokenizer, Trainer } from "@longcot/language-model";
import type { Metrics } from "../events.ts";
import type { PairMeasures } from "./measure-pairs.ts";
import type { AnswerStepMeasures } from "./measure-steps.ts";
import type { RewardRecipe } from "./reward-recipe.ts";

export interface TaskContext {
  recipe: RewardRecipe;
  tokenizer: Tokenizer;
  /** Tokens of prompt and answer. */
  most: number;
  warn: (text: string) => void;
  /** @param lengths tokens of all examples, held-out ones included. @throws ConfigError where training on them does not fit the memory. */
  openModel: (kind: ScalarHead, lengths: readonly number[]) => Promise<ScalarModel>;
}

/** Measures of held-out data, whichever there is. */
export interface Measured {
  pairs?: PairMeasures;
  steps?: AnswerStepMeasures;
}

export interface RewardTask {
  unit: "pairs" | "answers";
  model: ScalarModel;
  trainer: Pick<Trainer<never, never>, "updates" | "stateTensors" | "restore">;
  /** Tokens of each example. */
  lengths: readonly number[];
  /** Tokens and targets of all examples, in their order: what says that a training goes on with the same ones. */
  sequences(): Iterable<NodeJS.ArrayBufferView>;
  /** One update on the examples of these indices. */
  step(indices: readonly number[], learningRate: number): Promise<Metrics>;
  /** `val/…`, and {@link measured} anew; nothing without held-out data. */
  measure(onProgress: (progress: { done: number; total: number }) => void): Promise<Metrics>;
  /** The newest measures. */
  readonly measured: Measured;
  saveModel(directory: string): Promise<void>;
  close(): Promise<void>;
}
