// Makes a Qwen2 directory of Qwen2-0.5B's shape with random weights and a small tokenizer: something real models' sizes can be tried on without
// downloading one.
//
//   pnpm exec node --conditions=longcot-source apps/train/scripts/make-random-model.ts DIR [float32|bfloat16|float16]

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { characterTokenizerFiles, loadTokenizer, newModelTensors, THINK_CHAT_TEMPLATE, writeModelDirectory } from "@longcot/language-model";
import type { ModelConfig } from "@longcot/language-model";

const [path, dtype = "bfloat16"] = process.argv.slice(2);
if (path === undefined) throw new Error("usage: make-random-model.ts DIR [float32|bfloat16|float16]");

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

// --- the shape of Qwen2-0.5B ------------------------------------------------------------------------------------------------------------
const config: ModelConfig = {
  architecture: "qwen2",
  vocabSize: 151_936,
  hiddenSize: 896,
  intermediateSize: 4864,
  layers: 24,
  attentionHeads: 14,
  keyValueHeads: 2,
  headDim: 64,
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
