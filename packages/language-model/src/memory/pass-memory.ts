// How much memory a model's passes take at their peak, from the shapes of what they hold at once. What is counted is said in the
// functions; what TensorFlow's allocator adds to it is not.

import { LOGITS_CHUNK_BYTES, LONGEST_WHOLE_ATTENTION } from "@longcot/tensor-kernels";
import { ARCHITECTURES } from "../architectures/index.ts";
import type { Parameter } from "../architectures/architecture.ts";
import type { ModelConfig } from "../files/model-config.ts";
import { SLOT_STEP, cacheCapacity, powerOfTwo, promptTime, roundUp } from "../generate/slots.ts";
import { loraParameters } from "../lora/lora-parameters.ts";
import type { LoraOptions } from "../lora/lora-parameters.ts";

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Rows of a batch and tokens of a row, as compiled. */
export interface PassShape {
  rows: number;
  time: number;
}

export interface TrainPass extends PassShape {
  gradientCheckpointing: boolean;
  /** The adapters that are trained; absent: all weights. */
  lora?: LoraOptions | undefined;
}

export interface GeneratePass {
  /** Responses asked for, and how many are under way at most. */
  requests: number;
  maxSlots: number;
  /** Prompts that differ, the tokens of the longest, and most tokens of a response. */
  prompts: number;
  promptTokens: number;
  newTokens: number;
}

const sizeOf = ({ shape }: Parameter): number => shape.reduce((product, dimension) => product * dimension, 1);
const bytesOf = (parameters: readonly Parameter[]): number =>
  parameters.reduce((sum, parameter) => sum + sizeOf(parameter) * FLOAT_BYTES, 0);

function parametersOf(config: ModelConfig, lora: LoraOptions | undefined) {
  const base = ARCHITECTURES[config.architecture].parameters(config, "language");
  return { base, trained: lora === undefined ? base : loraParameters(base, lora) };
}

/** Bytes of the weights as held, float32, adapters included. */
export function weightBytes(config: ModelConfig, lora?: LoraOptions): number {
  const { base, trained } = parametersOf(config, lora);
  return bytesOf(base) + (lora === undefined ? 0 : bytesOf(trained));
}

/** Bytes of a gradient and two moments for all that is trained. */
export function optimizerBytes(config: ModelConfig, lora?: LoraOptions): { gradients: number; moments: number } {
  const bytes = bytesOf(parametersOf(config, lora).trained);
  return { gradients: bytes, moments: 2 * bytes };
}

/** Widths in numbers per token: of the residual stream, the queries, the keys (or values), the feed-forward layer, the attention scores kept. */
function widths({ hiddenSize, attentionHeads, keyValueHeads, headDim, intermediateSize }: ModelConfig, time: number) {
  return {
    model: hiddenSize,
    queries: attentionHeads * headDim,
    keys: keyValueHeads * headDim,
    ffn: intermediateSize,
    scores: attentionHeads * (time <= LONGEST_WHOLE_ATTENTION ? time : 1),
  };
}

/**
 * Bytes that a forward and backward pass holds at the most. A layer keeps its input, both normalised inputs, the stream between its halves; rotated
 * queries and keys, values, attention's output twice (as heads and as rows) and, up to 256 positions, its probabilities; gate, up and their product. With
 * gradient checkpointing every layer keeps its input and one layer all of it. Either the layers are at their most when the backward pass begins, or the
 * logits of a chunk with their gradient, or the gradients of the embedding at its end.
 */
export function trainBytes(config: ModelConfig, { rows, time, gradientCheckpointing, lora }: TrainPass): number {
  const tokens = rows * time;
  const { model, queries, keys, ffn, scores } = widths(config, time);
  const layerKeeps = 4 * model + 3 * queries + 2 * keys + 3 * ffn + scores;
  const layerGradients = model + 2.5 * ffn + (time <= LONGEST_WHOLE_ATTENTION ? 0 : 4 * queries + 4 * keys);
  const whole = gradientCheckpointing ? 1 : config.layers;
  const kept = tokens * FLOAT_BYTES * (whole * layerKeeps + (gradientCheckpointing ? config.layers * model : 0));
  const layers = kept + tokens * FLOAT_BYTES * layerGradients + whole * cutWeightBytes(config, tokens);
  const table = lora === undefined ? config.vocabSize * model * FLOAT_BYTES : 0;
  const chunks = Math.ceil((tokens * config.vocabSize * FLOAT_BYTES) / LOGITS_CHUNK_BYTES);
  const logits = kept + logitsBytes(config, tokens) + Math.min(2, chunks) * table;
  return Math.max(layers + table, logits, 3 * table);
}

/** Projections that lie side by side are cut apart where there are more tokens than inputs; the pieces are kept with what they multiply. */
function cutWeightBytes({ hiddenSize, attentionHeads, keyValueHeads, headDim, intermediateSize }: ModelConfig, tokens: number): number {
  if (tokens < hiddenSize) return 0;
  return hiddenSize * ((attentionHeads + 2 * keyValueHeads) * headDim + 2 * intermediateSize) * FLOAT_BYTES;
}

/** Logits of a chunk of tokens, and three tensors of their size. */
function logitsBytes({ vocabSize }: ModelConfig, tokens: number): number {
  return 4 * Math.min(tokens * vocabSize * FLOAT_BYTES, Math.max(LOGITS_CHUNK_BYTES, vocabSize * FLOAT_BYTES));
}

/** Bytes that AdamW's update holds beside the weights and moments: new ones of the largest parameter, and one more tensor of its size. */
export function updateBytes(config: ModelConfig, lora?: LoraOptions): number {
  return 4 * Math.max(...parametersOf(config, lora).trained.map(sizeOf)) * FLOAT_BYTES;
}

/** Bytes that scoring holds: the widest place of one layer, or a chunk's logits. */
export function scoreBytes(config: ModelConfig, { rows, time }: PassShape): number {
  const tokens = rows * time;
  const { model, queries, keys, ffn, scores } = widths(config, time);
  const attention = 2 * model + 3 * queries + 3 * keys + (time <= LONGEST_WHOLE_ATTENTION ? 2 * scores : 2 * queries);
  const feedForward = 3 * model + 4 * ffn;
  const layer = tokens * FLOAT_BYTES * Math.max(attention, feedForward) + cutWeightBytes(config, tokens);
  return Math.max(layer, tokens * model * FLOAT_BYTES + logitsBytes(config, tokens));
}

/** Lanes that round their slots up apart. */
const LANES = 2;

/**
 * Bytes of the key-value cache at its longest, and of what generation holds beside it: the cache before it grew, moved; or the prompts' pass with
 * attention whole; or the logits of all slots while a token is drawn.
 */
export function generateBytes(config: ModelConfig, pass: GeneratePass): { cache: number; beside: number } {
  const slots = roundUp(Math.min(pass.requests, pass.maxSlots), LANES * SLOT_STEP);
  const positions = pass.promptTokens + pass.newTokens;
  const perPosition = 2 * config.layers * slots * config.keyValueHeads * config.headDim * FLOAT_BYTES;
  const cache = perPosition * cacheCapacity(positions);
  const before = perPosition * cacheCapacity(Math.ceil(positions / 2));
  const time = promptTime(pass.promptTokens);
  const { model, queries, keys, ffn } = widths(config, time);
  const perToken = Math.max(2 * model + 3 * queries + 3 * keys + 2 * config.attentionHeads * time, 3 * model + 4 * ffn);
  const fill = powerOfTwo(Math.min(pass.prompts, slots)) * time * FLOAT_BYTES * perToken;
  const draw = 4 * slots * config.vocabSize * FLOAT_BYTES;
  return { cache, beside: Math.max(before, fill, draw) };
}
