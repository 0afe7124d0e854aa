// The model that the bench times: new, with random weights, and token ids to feed it.
import { countParameters, createLanguageModel } from "@longcot/language-model";
import type { LanguageModel, ModelConfig } from "@longcot/language-model";
import { keyedUniform } from "@longcot/tensor-kernels";
import type { Engine } from "@longcot/tensor-kernels";
import type { BenchShapes } from "../cli/bench.ts";

export const END_TOKEN = 1;
/** Ids below are special. */
const FIRST_TOKEN = 3;
const POSITIONS = 2048;

export interface BenchModel {
  model: LanguageModel;
  parameters: number;
}

/** A Qwen2 model of `shapes` on `engine`. */
export async function createBenchModel(engine: Engine, shapes: BenchShapes): Promise<BenchModel> {
  const { vocab, hidden, ffn, layers, heads, kvHeads } = shapes;
  const config: ModelConfig = {
    architecture: "qwen2",
    vocabSize: vocab,
    hiddenSize: hidden,
    intermediateSize: ffn,
    layers,
    attentionHeads: heads,
    keyValueHeads: kvHeads,
    headDim: hidden / heads,
    ropeTheta: 10_000,
    rmsNormEpsilon: 1e-6,
    tieWordEmbeddings: true,
    maxPositionEmbeddings: Math.max(POSITIONS, shapes.time, shapes.prompt + shapes.new),
    attentionBias: true,
    initializerRange: 0.02,
    dtype: "float32",
    eosTokenIds: [END_TOKEN],
  };
  const model = await createLanguageModel(engine, config, {}, { seed: 0 });
  return { model, parameters: countParameters(model) };
}

/** `count` random ids that are not special; `stream` tells draws apart. */
export function randomTokens(count: number, vocab: number, stream: number): Int32Array {
  return Int32Array.from(
    { length: count },
    (_, position) =>
      FIRST_TOKEN + Math.floor(keyedUniform({ seed: 0, step: 0, prompt: stream, sample: 0, position }) * (vocab - FIRST_TOKEN)),
  );
}
