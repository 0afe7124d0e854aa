// The decoder that the architectures share: pre-norm blocks of grouped-query attention with rotary positions, and SwiGLU.

import * as tf from "@tensorflow/tfjs-core";
import { applyRope, embed, linear, linearParts, recomputed, rmsNorm, ropeTables, swiglu } from "@longcot/tensor-kernels";
import type { RopeTables } from "@longcot/tensor-kernels";
import type { ModelConfig } from "../files/model-config.ts";
import { loraDownName, loraUpName } from "../lora/lora-parameters.ts";
import type { Architecture, AttentionParts, ConfigFacts } from "./architecture.ts";
import { decoderParameters, layerName } from "./decoder-parameters.ts";
import { ropeFrequencies } from "./rope-frequencies.ts";

/** What tells one decoder from another. */
export interface DecoderTraits {
  facts: ConfigFacts;
  /** Whether queries and keys go through an RMS norm over each head before their rotation. */
  headNorms: boolean;
}

/** The architecture of a decoder with `traits`. */
export function decoder({ facts, headNorms }: DecoderTraits): Architecture {
  return {
    facts,
    parameters: (config, head) => decoderParameters(config, { headNorms, head }),
    forward,
    unembedding: (weights) => (weights["unembedding"] ?? weights["embedding"])!,
  };
}

/** One layer's weight by our name within the layer; absent ones are `undefined`. */
type LayerWeights = (part: string) => tf.Tensor | undefined;

function forward({
  config,
  weights,
  inputIds,
  positions,
  attend,
  attendReads = [],
  gradientCheckpointing = false,
}: Parameters<Architecture["forward"]>[0]): tf.Tensor {
  const [batch, time] = inputIds.shape as [number, number];
  const { hiddenSize, rmsNormEpsilon } = config;
  const { cos, sin } = ropeTables(positions, { inverseFrequencies: ropeFrequencies(config), maxPositions: config.maxPositionEmbeddings });
  let x = tf.reshape(embed(weights["embedding"]!, inputIds), [batch * time, hiddenSize]);
  for (let layer = 0; layer < config.layers; layer++) {
    const names = Object.keys(weights).filter((name) => name.startsWith(layerName(layer, "")));
    const run = ([input, ...values]: tf.Tensor[], [cosines, sines, ...reads]: tf.Tensor[]): tf.Tensor => {
      const own: LayerWeights = (part) => values[names.indexOf(layerName(layer, part))];
      const mix = (parts: AttentionParts) => attend(layer, parts, reads);
      return runLayer(input!, { config, own, tables: { cos: cosines!, sin: sines! }, attend: mix, batch, time });
    };
    const inputs = [x, ...names.map((name) => weights[name]!)];
    const constants = [cos, sin, ...attendReads];
    x = gradientCheckpointing ? recomputed(run, inputs, constants) : run(inputs, constants);
  }
  return rmsNorm(x, weights["final_norm"]!, rmsNormEpsilon);
}

interface LayerContext {
  config: ModelConfig;
  own: LayerWeights;
  tables: RopeTables;
  attend: (parts: AttentionParts) => tf.Tensor;
  batch: number;
  time: number;
}

/** One pre-norm block. Shapes: `x [batch · time, model]` → the same. */
function runLayer(x: tf.Tensor, context: LayerContext): tf.Tensor {
  const { config, own } = context;
  const attended = tf.add(x, mixTokens(rmsNorm(x, own("attention_norm")!, config.rmsNormEpsilon), context));
  return tf.add(attended, feedForward(rmsNorm(attended, own("mlp_norm")!, config.rmsNormEpsilon), config, own));
}

/** Attention with its projections. Shapes: `x [batch · time, model]` → the same. */
function mixTokens(x: tf.Tensor, { config, own, tables, attend, batch, time }: LayerContext): tf.Tensor {
  const { attentionHeads, keyValueHeads, headDim, rmsNormEpsilon } = config;
  const sizes = [attentionHeads, keyValueHeads, keyValueHeads].map((count) => count * headDim);
  const [query, key, value] = project(x, own, "qkv.weight", sizes, own("qkv.bias"));
  /** A projection as heads: `[batch · time, count · headDim]` → `[batch, count, time, headDim]`. */
  const heads = (columns: tf.Tensor, count: number): tf.Tensor =>
    tf.transpose(tf.reshape(columns, [batch, time, count, headDim]), [0, 2, 1, 3]);
  const rotated = (columns: tf.Tensor, count: number, headNorm: tf.Tensor | undefined): tf.Tensor => {
    const perHead = tf.reshape(columns, [batch * time * count, headDim]);
    return applyRope(heads(headNorm === undefined ? columns : rmsNorm(perHead, headNorm, rmsNormEpsilon), count), tables);
  };
  const mixed = attend({
    query: rotated(query!, attentionHeads, own("query_norm")),
    key: rotated(key!, keyValueHeads, own("key_norm")),
    value: heads(value!, keyValueHeads),
  });
  const flat = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * time, attentionHeads * headDim]);
  return project(flat, own, "attention_output", [config.hiddenSize])[0]!;
}

/** SwiGLU. Shapes: `x [batch · time, model]` → the same. */
function feedForward(x: tf.Tensor, { hiddenSize, intermediateSize }: ModelConfig, own: LayerWeights): tf.Tensor {
  const [gate, up] = project(x, own, "gate_up", [intermediateSize, intermediateSize]);
  return project(swiglu(gate!, up!), own, "down", [hiddenSize])[0]!;
}

/** The projections of `x` that `name` holds side by side, of `sizes`; where part i has an adapter, `x·Wᵢ + bᵢ + (x·Aᵢ)·Bᵢ`. */
function project(x: tf.Tensor, own: LayerWeights, name: string, sizes: readonly number[], bias?: tf.Tensor): tf.Tensor[] {
  const outputs = sizes.length === 1 ? [linear(x, own(name)!, bias)] : linearParts(x, own(name)!, bias, sizes);
  const down = own(loraDownName(name));
  if (down === undefined) return outputs;
  const ups = sizes.map((_, part) => own(loraUpName(name, part)));
  const count = ups.filter((up) => up !== undefined).length;
  // tfjs cannot differentiate a split into one.
  const reduced = count === 1 ? [linear(x, down)] : tf.split(linear(x, down), count, -1);
  let next = 0;
  return outputs.map((output, part) => (ups[part] === undefined ? output : tf.add(output, linear(reduced[next++]!, ups[part]))));
}
