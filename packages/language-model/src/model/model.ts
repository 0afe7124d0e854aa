// What a language model on an engine is to the rest of the package.

import type * as tf from "@tensorflow/tfjs-core";
import type { Engine, State } from "@longcot/tensor-kernels";
import type { Architecture, Weights } from "../architectures/architecture.ts";
import type { ModelConfig } from "../files/model-config.ts";
import type { CompanionFiles } from "../files/model-directory.ts";
import type { LoraAdapter } from "../lora/lora-parameters.ts";
import type { ModelParameter } from "./model-parameters.ts";

/** A model whose weights are on `engine`. One engine holds one model of a `name`. */
export interface LanguageModel {
  /** Prefix of its variables' names on the engine. */
  readonly name: string;
  readonly engine: Engine;
  readonly config: ModelConfig;
  readonly architecture: Architecture;
  readonly parameters: readonly ModelParameter[];
  /** What a trainer updates: the parameters, or the adapters alone where there are any. */
  readonly trainable: readonly ModelParameter[];
  /** Adapters beside the parameters; absent: none. */
  readonly lora?: LoraAdapter;
  /** Tokenizer and generation files that go with the weights. */
  readonly companions: CompanionFiles;
  /** The weights of a forward pass, from the value of every parameter and trainable one. */
  weightsFrom(valueOf: (parameter: ModelParameter) => tf.Tensor): Weights;
  /** The weights inside a compiled function. */
  readWeights(state: State): Weights;
}
