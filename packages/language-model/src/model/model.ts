// What a model on an engine is to the rest of the package: a decoder with a head.

import type * as tf from "@tensorflow/tfjs-core";
import type { Engine, State } from "@longcot/tensor-kernels";
import type { Architecture, ModelHead, Weights } from "../architectures/architecture.ts";
import type { ModelConfig } from "../files/model-config.ts";
import type { CompanionFiles } from "../files/model-directory.ts";
import type { LoraAdapter } from "../lora/lora-parameters.ts";
import type { ModelParameter } from "./model-parameters.ts";

/** Heads that give a number: see {@link ModelHead}. */
export type ScalarHead = Exclude<ModelHead, "language">;

/** A model whose weights are on `engine`, whatever its head. One engine holds one model of a `name`. */
export interface EngineModel {
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

/** A model of the next token. */
export interface LanguageModel extends EngineModel {
  readonly head: "language";
}

/** A model that gives one number per token: a critic's value, a reward model's score, a step's logit. Its last parameters are the head. */
export interface ScalarModel extends EngineModel {
  readonly head: ScalarHead;
}

/** A language model with a scalar head on the same hidden states: policy and critic share all that lies below. */
export interface ActorCritic extends LanguageModel {
  /** Among `trainable`, not among `parameters`. */
  readonly valueHead: ModelParameter;
}
