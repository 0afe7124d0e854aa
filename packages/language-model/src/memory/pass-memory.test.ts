// Memory of passes by hand for a model of small numbers, and how it moves with what it depends on. Against measured peaks: test/integration/memory-plan.
import { expect, test } from "vitest";
import type { ModelConfig } from "../files/model-config.ts";
import { generateBytes, optimizerBytes, scoreBytes, trainBytes, updateBytes, weightBytes } from "./pass-memory.ts";

const CONFIG: ModelConfig = {
  architecture: "qwen2",
  vocabSize: 10,
  hiddenSize: 8,
  intermediateSize: 16,
  layers: 3,
  attentionHeads: 2,
  keyValueHeads: 1,
  headDim: 4,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-6,
  tieWordEmbeddings: true,
  maxPositionEmbeddings: 4096,
  attentionBias: true,
  initializerRange: 0.02,
  dtype: "float32",
  eosTokenIds: [],
};
/** Embedding 80; a layer: norms 8 + 8, qkv 8 × 16 + 16, output 8 × 8, gate and up 8 × 32, down 16 × 8; the last norm 8. */
const PARAMETERS = 80 + 3 * (16 + 128 + 16 + 64 + 256 + 128) + 8;
/** Rank 2 for every projection: A of q, k, v 8 × 6, of o 8 × 2, of gate and up 8 × 4, of down 16 × 2; B 2 × (8 + 4 + 4), 2 × 8, 2 × 32, 2 × 8. */
const ADAPTERS = 3 * (48 + 16 + 32 + 32 + 32 + 16 + 64 + 16);
const LORA = { rank: 2, alpha: 4 };

test("weights and the optimizer's state are counted", () => {
  expect(weightBytes(CONFIG)).toBe(4 * PARAMETERS);
  expect(weightBytes(CONFIG, LORA)).toBe(4 * (PARAMETERS + ADAPTERS));
  expect(optimizerBytes(CONFIG)).toEqual({ gradients: 4 * PARAMETERS, moments: 8 * PARAMETERS });
  expect(optimizerBytes(CONFIG, LORA)).toEqual({ gradients: 4 * ADAPTERS, moments: 8 * ADAPTERS });
  expect(updateBytes(CONFIG)).toBe(4 * 4 * 256);
});

test("a training pass keeps what its layers' gradients need", () => {
  const tokens = 2 * 6;
  // Per token and layer: 4 × 8 of the stream, 3 × 8 of queries, 2 × 4 of keys and values, 3 × 16 of the feed-forward layer, 2 × 6 probabilities.
  const layer = 4 * 8 + 3 * 8 + 2 * 4 + 3 * 16 + 2 * 6;
  const gradients = 8 + 2.5 * 16;
  const cut = 8 * (16 + 32);
  const table = 80;
  const shape = { rows: 2, time: 6 };
  expect(trainBytes(CONFIG, { ...shape, gradientCheckpointing: false })).toBe(4 * (tokens * (3 * layer + gradients) + 3 * cut + table));
  expect(trainBytes(CONFIG, { ...shape, gradientCheckpointing: true })).toBe(4 * (tokens * (layer + 3 * 8 + gradients) + cut + table));
  expect(trainBytes(CONFIG, { ...shape, gradientCheckpointing: true, lora: LORA })).toBe(4 * (tokens * (layer + 3 * 8 + gradients) + cut));
});

test("beyond 256 positions memory grows with the tokens, not with their square", () => {
  const at = (time: number) => trainBytes(CONFIG, { rows: 1, time, gradientCheckpointing: false }) / time;
  expect(at(4096)).toBeCloseTo(at(1024), -1);
  expect(scoreBytes(CONFIG, { rows: 1, time: 4096 }) / 4096).toBeCloseTo(scoreBytes(CONFIG, { rows: 1, time: 1024 }) / 1024, -1);
});

test("a large vocabulary's logits exist a chunk at a time", () => {
  const large = { ...CONFIG, vocabSize: 150_000 };
  const at = (rows: number) => scoreBytes(large, { rows, time: 1024 });
  expect(at(4) - at(2)).toBeLessThan(2 * 1024 * 1024);
});

test("generation holds keys and values of all slots, and what was there before they grew", () => {
  const { cache, beside } = generateBytes(CONFIG, { requests: 12, maxSlots: 256, prompts: 3, promptTokens: 8, newTokens: 56 });
  const position = 2 * 3 * 16 * 1 * 4 * 4;
  expect(cache).toBe(position * 64);
  expect(beside).toBe(position * 32);
});
