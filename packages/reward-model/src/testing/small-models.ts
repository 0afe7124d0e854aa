// Scalar models of a few thousand parameters, for tests.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  characterTokenizerFiles,
  createLanguageModel,
  createScalarModel,
  loadTokenizer,
  THINK_CHAT_TEMPLATE,
} from "@longcot/language-model";
import type { ScalarHead, ScalarModel } from "@longcot/language-model";
import { openEngine } from "@longcot/tensor-kernels";

/** A folder with their tokenizer, and models on engines of their own; `close` ends both. */
export function smallModels() {
  const folder = mkdtempSync(join(tmpdir(), "longcot-reward-model-"));
  const opened: { close: () => Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    for (const engine of opened) await engine.close();
    rmSync(folder, { recursive: true });
  };

  async function openModel(seed: number, kind: ScalarHead = "scalar"): Promise<ScalarModel> {
    const files = characterTokenizerFiles({
      characters: "0123456789+=;",
      markerTokens: ["<think>", "</think>"],
      specialTokens: ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"],
      padToken: "<|pad|>",
      eosToken: "<|end|>",
      chatTemplate: THINK_CHAT_TEMPLATE,
      modelMaxLength: 64,
    });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const tokenizer = await loadTokenizer(folder);
    const engine = await openEngine({ engine: "auto", threads: 1 });
    opened.push(engine);
    const shape = { hiddenSize: 16, intermediateSize: 24, layers: 2, attentionHeads: 2, keyValueHeads: 1, headDim: 8, ropeTheta: 10_000 };
    const config = {
      architecture: "qwen2" as const,
      vocabSize: tokenizer.vocabularySize,
      ...shape,
      rmsNormEpsilon: 1e-6,
      tieWordEmbeddings: true,
      maxPositionEmbeddings: 64,
      attentionBias: true,
      initializerRange: 0.2,
      dtype: "float32" as const,
      eosTokenIds: tokenizer.eosTokenIds,
      padTokenId: tokenizer.padTokenId!,
    };
    const backbone = await createLanguageModel(engine, config, { ...files }, { seed });
    return createScalarModel(engine, backbone, { head: { seed }, kind });
  }

  return { folder, openModel, close };
}
