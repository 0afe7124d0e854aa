// Makes a Qwen2 directory with random weights and a small tokenizer: of Qwen2-0.5B's shape, so that real models' sizes can be tried without
// downloading one, or of 30 or 3 million parameters, for long contexts.
//
//   pnpm exec node --conditions=longcot-source apps/train/scripts/make-random-model.ts DIR [float32|bfloat16|float16] [0.5b|30m|3m]

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { characterTokenizerFiles, loadTokenizer, newModelTensors, THINK_CHAT_TEMPLATE, writeModelDirectory } from "@longcot/language-model";
import type { ModelConfig } from "@longcot/language-model";

const SHAPES = {
  "0.5b": {
    vocabSize: 151_936,
    hiddenSize: 896,
    intermediateSize: 4864,
    layers: 24,
    attentionHeads: 14,
    keyValueHeads: 2,
    headDim: 64,
  },
  "3m": { vocabSize: 512, hiddenSize: 256, intermediateSize: 768, layers: 4, attentionHeads: 4, keyValueHeads: 2, headDim: 64 },
  "30m": { vocabSize: 32_768, hiddenSize: 512, intermediateSize: 1536, layers: 4, attentionHeads: 8, keyValueHeads: 2, headDim: 64 },
};
const [path, dtype = "bfloat16", size = "0.5b"] = process.argv.slice(2);
const shape = SHAPES[size as keyof typeof SHAPES];
if (path === undefined || shape === undefined)
  throw new Error(`usage: make-random-model.ts DIR [float32|bfloat16|float16] [${Object.keys(SHAPES).join("|")}]`);

// --- a tokenizer of ASCII characters, far smaller than the model's vocabulary ----------------------------------------------------------
const [PAD, END] = ["<|pad|>", "<|end|>"];
const companions = characterTokenizerFiles({
  characters: `\n${Array.from({ length: 95 }, (_, i) => String.fromCodePoint(32 + i)).join("")}`,
  markerTokens: ["<think>", "</think>"],
  specialTokens: [PAD, END, "<|user|>", "<|assistant|>"],
  padToken: PAD,
  eosToken: END,
  chatTemplate: THINK_CHAT_TEMPLATE,
  modelMaxLength: 32_768,
});
const folder = await mkdtemp(join(tmpdir(), "longcot-tokenizer-"));
for (const [name, text] of Object.entries(companions)) await writeFile(join(folder, name), text);
const tokenizer = await loadTokenizer(folder);
await rm(folder, { recursive: true });

// --- the model ---------------------------------------------------------------------------------------------------------------------------
const config: ModelConfig = {
  architecture: "qwen2",
  ...shape,
  ropeTheta: 1_000_000,
  rmsNormEpsilon: 1e-6,
  tieWordEmbeddings: true,
  maxPositionEmbeddings: 32_768,
  attentionBias: true,
  initializerRange: 0.02,
  dtype: dtype as ModelConfig["dtype"],
  eosTokenIds: tokenizer.eosTokenIds,
  ...(tokenizer.padTokenId === undefined ? {} : { padTokenId: tokenizer.padTokenId }),
};
const tensors = newModelTensors(config, { seed: 0 });
await writeModelDirectory(path, { config, tensors, companions: { ...companions } });
const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((size, dimension) => size * dimension, 1), 0);
process.stdout.write(`${path}: ${parameters} parameters in ${dtype}\n`);
