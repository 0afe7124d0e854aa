// A new model of a few thousand weights with a tokenizer of its own, for tests.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { characterTokenizerFiles, createLanguageModel, loadTokenizer, THINK_CHAT_TEMPLATE } from "@longcot/language-model";
import type { LanguageModel, Tokenizer } from "@longcot/language-model";
import { openEngine } from "@longcot/tensor-kernels";
import type { Engine } from "@longcot/tensor-kernels";

export interface TinyModel {
  readonly engine: Engine;
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A tokenizer of digits and signs with think and box markers. */
export async function tinyTokenizer(characters = "0123456789+=;"): Promise<Tokenizer> {
  const folder = mkdtempSync(join(tmpdir(), "longcot-distillation-"));
  try {
    for (const [name, text] of Object.entries(tokenizerFiles(characters))) writeFileSync(join(folder, name), text);
    return await loadTokenizer(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const tokenizerFiles = (characters: string) =>
  characterTokenizerFiles({
    characters,
    markerTokens: ["<think>", "</think>"],
    specialTokens: ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"],
    padToken: "<|pad|>",
    eosToken: "<|end|>",
    chatTemplate: THINK_CHAT_TEMPLATE,
    modelMaxLength: 64,
  });

/** Two layers of 16 on an engine of its own. */
export async function openTinyModel({ seed = 0 }: { seed?: number } = {}): Promise<TinyModel> {
  const tokenizer = await tinyTokenizer();
  const engine = await openEngine({ engine: "auto", threads: 1 });
  const model = await createLanguageModel(
    engine,
    {
      architecture: "qwen2",
      vocabSize: tokenizer.vocabularySize,
      hiddenSize: 16,
      intermediateSize: 24,
      layers: 2,
      attentionHeads: 2,
      keyValueHeads: 1,
      headDim: 8,
      ropeTheta: 10_000,
      rmsNormEpsilon: 1e-6,
      tieWordEmbeddings: true,
      maxPositionEmbeddings: 64,
      attentionBias: true,
      // Large, so that gradients are far from rounding.
      initializerRange: 0.3,
      dtype: "float32",
      eosTokenIds: tokenizer.eosTokenIds,
    },
    { ...tokenizerFiles("0123456789+=;") },
    { seed },
  );
  return { engine, model, tokenizer, [Symbol.asyncDispose]: () => engine.close() };
}
