// The parameters of a decoder (see decoder.ts) and the checkpoint tensors that they are made of.

import type { ModelConfig } from "../files/model-config.ts";
import type { ModelHead, Parameter } from "./architecture.ts";

/** Name of a scalar head, `[model, 1]`. */
export const SCORE = "score";
/** Its bias, `[1]`, of token classifiers alone. */
export const SCORE_BIAS = "score.bias";

export const layerName = (layer: number, part: string): string => `layers.${layer}.${part}`;

/** Every parameter of a decoder, in the order of the forward pass; `headNorms`: queries and keys are normalised per head. */
export function decoderParameters(config: ModelConfig, { headNorms, head }: { headNorms: boolean; head: ModelHead }): Parameter[] {
  const { hiddenSize, vocabSize } = config;
  return [
    table("embedding", "model.embed_tokens.weight", [vocabSize, hiddenSize]),
    ...Array.from({ length: config.layers }, (_, layer) => blockParameters(config, layer, headNorms)).flat(),
    norm("final_norm", "model.norm.weight", hiddenSize),
    ...(head === "language" ? [] : [scoreParameter(config)]),
    ...(head === "token-scalar" ? [bias(SCORE_BIAS, [["score.bias", 1]])] : []),
    ...(head !== "language" || config.tieWordEmbeddings ? [] : [table("unembedding", "lm_head.weight", [vocabSize, hiddenSize])]),
  ];
}

/** The scalar head, as transformers' sequence classifiers with one label have it: a linear layer without bias. */
export function scoreParameter({ hiddenSize }: ModelConfig): Parameter {
  return matrix(SCORE, hiddenSize, [["score.weight", 1]]);
}

function blockParameters(config: ModelConfig, layer: number, headNorms: boolean): Parameter[] {
  const { hiddenSize, intermediateSize, attentionHeads, keyValueHeads, headDim } = config;
  const own = (part: string) => layerName(layer, part);
  const theirs = (part: string) => `model.layers.${layer}.${part}`;
  const queries = attentionHeads * headDim;
  const keys = keyValueHeads * headDim;
  const projections: readonly (readonly [part: string, size: number])[] = [
    ["self_attn.q_proj", queries],
    ["self_attn.k_proj", keys],
    ["self_attn.v_proj", keys],
  ];
  const weightsOf = (parts: typeof projections) => parts.map(([part, size]) => [theirs(`${part}.weight`), size] as const);
  return [
    norm(own("attention_norm"), theirs("input_layernorm.weight"), hiddenSize),
    matrix(own("qkv.weight"), hiddenSize, weightsOf(projections)),
    ...(config.attentionBias
      ? [
          bias(
            own("qkv.bias"),
            projections.map(([part, size]) => [theirs(`${part}.bias`), size]),
          ),
        ]
      : []),
    ...(headNorms
      ? [
          norm(own("query_norm"), theirs("self_attn.q_norm.weight"), headDim),
          norm(own("key_norm"), theirs("self_attn.k_norm.weight"), headDim),
        ]
      : []),
    matrix(own("attention_output"), queries, weightsOf([["self_attn.o_proj", hiddenSize]])),
    norm(own("mlp_norm"), theirs("post_attention_layernorm.weight"), hiddenSize),
    matrix(
      own("gate_up"),
      hiddenSize,
      weightsOf([
        ["mlp.gate_proj", intermediateSize],
        ["mlp.up_proj", intermediateSize],
      ]),
    ),
    matrix(own("down"), intermediateSize, weightsOf([["mlp.down_proj", hiddenSize]])),
  ];
}

function norm(name: string, tensor: string, size: number): Parameter {
  return { name, shape: [size], decayed: false, initial: 1, parts: [{ tensor, shape: [size] }], layout: "plain" };
}

function table(name: string, tensor: string, shape: readonly number[]): Parameter {
  return { name, shape, decayed: true, initial: "normal", parts: [{ tensor, shape }], layout: "plain" };
}

/** Projections of one input, side by side. */
function matrix(name: string, inSize: number, outputs: readonly (readonly [tensor: string, size: number])[]): Parameter {
  return {
    name,
    shape: [inSize, outputs.reduce((sum, [, size]) => sum + size, 0)],
    decayed: true,
    initial: "normal",
    parts: outputs.map(([tensor, size]) => ({ tensor, shape: [size, inSize] })),
    layout: "columns",
  };
}

function bias(name: string, outputs: readonly (readonly [tensor: string, size: number])[]): Parameter {
  return {
    name,
    shape: [outputs.reduce((sum, [, size]) => sum + size, 0)],
    decayed: false,
    initial: 0,
    parts: outputs.map(([tensor, size]) => ({ tensor, shape: [size] })),
    layout: "columns",
  };
}
