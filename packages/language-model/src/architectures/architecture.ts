// What an architecture is to the rest of the package: its parameters, how they lie in a checkpoint, and its forward pass.

import type * as tf from "@tensorflow/tfjs-core";
import type { ModelConfig } from "../files/model-config.ts";

/** Queries, keys and values of one layer: `[batch, heads, time, headDim]`, `[batch, kvHeads, time, headDim]` twice, positions rotated in. */
export interface AttentionParts {
  query: tf.Tensor;
  key: tf.Tensor;
  value: tf.Tensor;
}

/** Mixes values by attention, `[batch, heads, time, headDim]`: over the sequence itself, or over a cache, within the config's sliding window. */
export type Attend = (layer: number, parts: AttentionParts, reads: tf.Tensor[]) => tf.Tensor;

/**
 * What a model computes from its last hidden states: distributions over the next token, or one number per token. As transformers has them, `scalar` is a
 * sequence classifier with one label, read at a sequence's last token, and `token-scalar` a token classifier with one label, read wherever one likes.
 */
export type ModelHead = "language" | "scalar" | "token-scalar";

/** Tensors of a model by parameter name. */
export type Weights = Readonly<Record<string, tf.Tensor>>;

/** How a parameter is laid out in memory, and from which tensors of a checkpoint it is made. */
export interface Parameter {
  /** Our name, `layers.0.qkv.weight`. */
  name: string;
  /** Our shape: linear weights are `[in, out]`, and those that read one input are side by side. */
  shape: readonly number[];
  /** Whether AdamW decays it: matrices yes, norms and biases no. */
  decayed: boolean;
  /** `normal` with the config's initializer range, or a constant. */
  initial: "normal" | 0 | 1;
  /** The checkpoint's tensors that it holds, in order of their columns. Matrices there are `[out, in]`, embeddings and vectors as here. */
  parts: readonly { tensor: string; shape: readonly number[] }[];
  /** Whether the parts are transposed and set side by side, or the one part is taken as it is. */
  layout: "columns" | "plain";
}

/** What is particular to an architecture's config.json; the rest is common to all. */
export interface ConfigFacts {
  /** The entry of `architectures`, less what says the head: `Qwen2` of `Qwen2ForCausalLM`. */
  className: string;
  /** Whether the query, key and value projections have a bias. */
  attentionBias: boolean;
  /** Whether every layer sees `sliding_window` positions only. */
  slidingWindow: boolean;
  /** What transformers takes where config.json lacks a key. */
  defaults: Readonly<Record<string, number | null>>;
  /** Keys that would switch on what is not supported: the value that is, which is also written. */
  fixed: Readonly<Record<string, boolean>>;
}

export interface Architecture {
  facts: ConfigFacts;
  /** Every parameter, in a fixed order; `head` says what comes after the final norm. */
  parameters(config: ModelConfig, head: ModelHead): Parameter[];
  /**
   * Hidden states after the final norm, `[batch · time, model]`.
   *
   * Shapes: `inputIds`, `positions [batch, time] int32`.
   * With `gradientCheckpointing` a layer keeps only its input for the backward pass and runs once more in it: what `attend`
   * reads beside its parts, masks for one, is then kept too, and is handed to it from `attendReads`.
   */
  forward(options: {
    config: ModelConfig;
    weights: Weights;
    inputIds: tf.Tensor;
    positions: tf.Tensor;
    attend: Attend;
    attendReads?: tf.Tensor[];
    gradientCheckpointing?: boolean;
  }): tf.Tensor;
  /** The output embedding, `[vocab, model]`. */
  unembedding(weights: Weights): tf.Tensor;
}
