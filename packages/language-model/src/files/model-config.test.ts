// The fixture's config.json in both layouts, the way back, and every refusal.
import { readFile } from "node:fs/promises";
import { ConfigError } from "@longcot/errors";
import { describe, expect, test } from "vitest";
import { parseModelConfig, serializeModelConfig } from "./model-config.ts";

const read = async (name: string) =>
  JSON.parse(await readFile(new URL(`../../fixtures/tiny-qwen2/${name}`, import.meta.url), "utf8")) as Record<string, unknown>;
const classical = await read("config.json");
const generation = await read("generation_config.json");
const tiny = {
  architecture: "qwen2",
  vocabSize: 672,
  hiddenSize: 64,
  intermediateSize: 160,
  layers: 2,
  attentionHeads: 4,
  keyValueHeads: 2,
  headDim: 16,
  ropeTheta: 1e6,
  rmsNormEpsilon: 1e-6,
  tieWordEmbeddings: true,
  maxPositionEmbeddings: 2048,
  attentionBias: true,
  initializerRange: 0.02,
  dtype: "float32",
  eosTokenIds: [642],
  bosTokenId: 640,
};
/** The classical layout without `keys`, with `change`. */
const without = (keys: string[], change: Record<string, unknown> = {}) => ({
  ...Object.fromEntries(Object.entries(classical).filter(([key]) => !keys.includes(key))),
  ...change,
});

test("reads the classical layout", () => {
  expect(parseModelConfig(classical)).toEqual(tiny);
});

test("reads the newer layout to the same config", () => {
  const newer = without(["rope_theta", "torch_dtype", "sliding_window"], {
    dtype: "float32",
    layer_types: ["full_attention", "full_attention"],
    rope_parameters: { rope_theta: 1e6, rope_type: "default" },
    sliding_window: null,
  });
  expect(parseModelConfig(newer)).toEqual(tiny);
});

test("generation_config.json overrules config.json on token ids", () => {
  expect(parseModelConfig(classical, generation)).toEqual({
    ...tiny,
    eosTokenIds: [642, 640],
    padTokenId: 640,
  });
});

test("what older files leave out has transformers' defaults for qwen2", () => {
  const sparse = without([
    "rope_theta",
    "rms_norm_eps",
    "tie_word_embeddings",
    "initializer_range",
    "torch_dtype",
    "eos_token_id",
    "bos_token_id",
    "architectures",
  ]);
  expect(parseModelConfig(sparse)).toMatchObject({
    ropeTheta: 10_000,
    rmsNormEpsilon: 1e-6,
    tieWordEmbeddings: false,
    initializerRange: 0.02,
    dtype: "float32",
    eosTokenIds: [],
  });
});

test("a sliding window that is switched off is none", () => {
  expect(parseModelConfig({ ...classical, sliding_window: 4096, use_sliding_window: false })).toEqual(tiny);
});

const configOf = async (name: string) => JSON.parse(await readFile(new URL(`../../fixtures/${name}/config.json`, import.meta.url), "utf8"));
test.each([
  ["the fixture", classical, generation],
  ["qwen3 with heads of 24", await configOf("tiny-qwen3"), undefined],
  ["llama with stretched frequencies", await configOf("tiny-llama3"), undefined],
  ["mistral with a window", await configOf("tiny-mistral"), undefined],
  ["mistral without one", { ...(await configOf("tiny-mistral")), sliding_window: null }, undefined],
  [
    "an explicit head size, no tokens, bfloat16",
    without(["eos_token_id", "bos_token_id"], { head_dim: 24, torch_dtype: "bfloat16" }),
    undefined,
  ],
])("written and read again it is the same: %s", (_, json, generationJson) => {
  const config = parseModelConfig(json, generationJson);
  expect(parseModelConfig(serializeModelConfig(config))).toEqual(config);
});

test("notes the element type that weights are written in", () => {
  expect(serializeModelConfig(parseModelConfig(classical), "bfloat16")["torch_dtype"]).toBe("bfloat16");
});

describe("refuses, naming architecture and field", () => {
  test.each<[string, Record<string, unknown>]>([
    [
      'config.json: model_type must be llama, mistral, qwen2, or qwen3, got "gpt2" (GPT2LMHeadModel)',
      { model_type: "gpt2", architectures: ["GPT2LMHeadModel"] },
    ],
    [
      'config.json: model_type must be llama, mistral, qwen2, or qwen3, got "qwen3_moe" (Qwen3MoeForCausalLM)',
      { model_type: "qwen3_moe", architectures: ["Qwen3MoeForCausalLM"] },
    ],
    ["config.json: model_type must be llama, mistral, qwen2, or qwen3, got nothing", { model_type: undefined, architectures: undefined }],
    [
      'config.json (qwen2): architectures must be ["Qwen2ForCausalLM"], got ["Qwen2ForSequenceClassification"]',
      { architectures: ["Qwen2ForSequenceClassification"] },
    ],
    ['config.json (qwen2): hidden_act must be "silu" (nothing else is supported), got "gelu"', { hidden_act: "gelu" }],
    [
      "config.json (qwen2): use_sliding_window must be false (nothing else is supported), got true",
      { use_sliding_window: true, sliding_window: 128 },
    ],
    ['config.json (qwen2): layer_types must be "full_attention" for every layer', { layer_types: ["full_attention", "sliding_attention"] }],
    [
      'config.json (qwen2): rope_scaling must be of rope_type "default" or "llama3" (nothing else is supported), got {"type":"yarn","factor":4}',
      { rope_scaling: { type: "yarn", factor: 4 } },
    ],
    [
      "config.json (qwen2): rope_parameters: low_freq_factor must be a positive number, got nothing",
      { rope_parameters: { rope_type: "llama3", rope_theta: 1e6, factor: 8 } },
    ],
    [
      "config.json (qwen2): rope_scaling: high_freq_factor must be greater than low_freq_factor (4), got 2",
      { rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 2 } },
    ],
    [
      "config.json (qwen2): rope_parameters must be of the same rope_theta as given before (1000000)",
      { rope_parameters: { rope_type: "default", rope_theta: 5 } },
    ],
    ["config.json (qwen2): quantization_config must be absent", { quantization_config: { bits: 4 } }],
    ["config.json (qwen2): attention_dropout must be 0", { attention_dropout: 0.1 }],
    ["config.json (qwen2): hidden_size must be a positive integer, got 64.5", { hidden_size: 64.5 }],
    ["config.json (qwen2): vocab_size must be a positive integer, got nothing", { vocab_size: undefined }],
    ["config.json (qwen2): num_key_value_heads must be a divisor of num_attention_heads (4), got 3", { num_key_value_heads: 3 }],
    [
      "config.json (qwen2): num_attention_heads must be a divisor of hidden_size (64), got 6",
      { num_attention_heads: 6, num_key_value_heads: 6 },
    ],
    ["config.json (qwen2): head_dim must be even", { head_dim: 15 }],
    ["config.json (qwen2): rms_norm_eps must be a positive number, got 0", { rms_norm_eps: 0 }],
    ['config.json (qwen2): tie_word_embeddings must be true or false, got "yes"', { tie_word_embeddings: "yes" }],
    ['config.json (qwen2): torch_dtype must be float32, bfloat16 or float16, got "int8"', { torch_dtype: "int8" }],
    ["config.json (qwen2): eos_token_id must be token ids below vocab_size (672), got [642,672]", { eos_token_id: [642, 672] }],
  ])("%s", (message, change) => {
    expect(() => parseModelConfig({ ...classical, ...change })).toThrow(ConfigError);
    expect(() => parseModelConfig({ ...classical, ...change })).toThrow(message);
  });
});
