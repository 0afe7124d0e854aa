// Qwen2 (and 2.5, and DeepSeek-R1-Distill-Qwen): pre-norm blocks, grouped-query attention with biased projections, SwiGLU.
// Source: transformers models/qwen2/modeling_qwen2.py; arXiv 2407.10671.

import * as tf from "@tensorflow/tfjs-core";
import { applyRope, embed, linear, linearParts, rmsNorm, ropeTables, swiglu } from "@longcot/tensor-kernels";
import type { ModelConfig } from "../files/model-config.ts";
import type { Architecture, Parameter, Weights } from "./architecture.ts";

const layerName = (layer: number, part: string): string => `layers.${layer}.${part}`;

function parameters(config: ModelConfig): Parameter[] {
  const { hiddenSize, intermediateSize, vocabSize, attentionHeads, keyValueHeads, headDim } = config;
  const queries = attentionHeads * headDim;
  const keys = keyValueHeads * headDim;
  const norm = (name: string, tensor: string): Parameter => ({
    name,
    shape: [hiddenSize],
    decayed: false,
    initial: 1,
    parts: [{ tensor, shape: [hiddenSize] }],
    layout: "plain",
  });
  const table = (name: string, tensor: string): Parameter => ({
    name,
    shape: [vocabSize, hiddenSize],
    decayed: true,
    initial: "normal",
    parts: [{ tensor, shape: [vocabSize, hiddenSize] }],
    layout: "plain",
  });
  /** Projections of one input, side by side. */
  const matrix = (name: string, inSize: number, outputs: readonly (readonly [tensor: string, size: number])[]): Parameter => ({
    name,
    shape: [inSize, outputs.reduce((sum, [, size]) => sum + size, 0)],
    decayed: true,
    initial: "normal",
    parts: outputs.map(([tensor, size]) => ({ tensor, shape: [size, inSize] })),
    layout: "columns",
  });
  const blocks = Array.from({ length: config.layers }, (_, layer): Parameter[] => {
    const own = (part: string) => layerName(layer, part);
    const theirs = (part: string) => `model.layers.${layer}.${part}`;
    const projections = [
      ["self_attn.q_proj", queries],
      ["self_attn.k_proj", keys],
      ["self_attn.v_proj", keys],
    ] as const;
    return [
      norm(own("attention_norm"), theirs("input_layernorm.weight")),
      matrix(
        own("qkv.weight"),
        hiddenSize,
        projections.map(([part, size]) => [theirs(`${part}.weight`), size]),
      ),
      ...(config.attentionBias
        ? [
            {
              name: own("qkv.bias"),
              shape: [queries + 2 * keys],
              decayed: false,
              initial: 0 as const,
              layout: "columns" as const,
              parts: projections.map(([part, size]) => ({ tensor: theirs(`${part}.bias`), shape: [size] })),
            },
          ]
        : []),
      matrix(own("attention_output"), queries, [[theirs("self_attn.o_proj.weight"), hiddenSize]]),
      norm(own("mlp_norm"), theirs("post_attention_layernorm.weight")),
      matrix(own("gate_up"), hiddenSize, [
        [theirs("mlp.gate_proj.weight"), intermediateSize],
        [theirs("mlp.up_proj.weight"), intermediateSize],
      ]),
      matrix(own("down"), intermediateSize, [[theirs("mlp.down_proj.weight"), hiddenSize]]),
    ];
  });
  return [
    table("embedding", "model.embed_tokens.weight"),
    ...blocks.flat(),
    norm("final_norm", "model.norm.weight"),
    ...(config.tieWordEmbeddings ? [] : [table("unembedding", "lm_head.weight")]),
  ];
}

function forward({ config, weights, inputIds, positions, attend }: Parameters<Architecture["forward"]>[0]): tf.Tensor {
  const [batch, time] = inputIds.shape as [number, number];
  const { attentionHeads, keyValueHeads, headDim, hiddenSize, intermediateSize, rmsNormEpsilon } = config;
  const weight = (name: string): tf.Tensor => weights[name]!;
  const tables = ropeTables(positions, headDim, config.ropeTheta);
  /** A projection as heads: `[batch · time, count · headDim]` → `[batch, count, time, headDim]`. */
  const heads = (columns: tf.Tensor, count: number): tf.Tensor =>
    tf.transpose(tf.reshape(columns, [batch, time, count, headDim]), [0, 2, 1, 3]);
  const qkvSizes = [attentionHeads, keyValueHeads, keyValueHeads].map((count) => count * headDim);
  let x = tf.reshape(embed(weight("embedding"), inputIds), [batch * time, hiddenSize]);
  for (let layer = 0; layer < config.layers; layer++) {
    const own = (part: string): tf.Tensor => weight(layerName(layer, part));
    const normed = rmsNorm(x, own("attention_norm"), rmsNormEpsilon);
    const [query, key, value] = linearParts(normed, own("qkv.weight"), weights[layerName(layer, "qkv.bias")], qkvSizes);
    const mixed = attend(layer, {
      query: applyRope(heads(query!, attentionHeads), tables),
      key: applyRope(heads(key!, keyValueHeads), tables),
      value: heads(value!, keyValueHeads),
    });
    const flat = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * time, attentionHeads * headDim]);
    x = tf.add(x, linear(flat, own("attention_output")));
    const [gate, up] = linearParts(rmsNorm(x, own("mlp_norm"), rmsNormEpsilon), own("gate_up"), undefined, [
      intermediateSize,
      intermediateSize,
    ]);
    const gated = swiglu(gate!, up!);
    x = tf.add(x, linear(gated, own("down")));
  }
  return rmsNorm(x, weight("final_norm"), rmsNormEpsilon);
}

export const qwen2: Architecture = {
  parameters,
  forward,
  unembedding: (weights: Weights) => (weights["unembedding"] ?? weights["embedding"])!,
};
