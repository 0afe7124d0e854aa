// The likeliest tokens at every position of given sequences: what a teacher's distribution is kept as.

import * as tf from "@tensorflow/tfjs-core";
import type { Compiled } from "@longcot/tensor-kernels";
import { ConfigError } from "@longcot/errors";
import type { LanguageModel } from "../model/language-model.ts";
import { planBatches } from "./batches.ts";
import { packTokens } from "./packing.ts";
import { hiddenStates } from "./hidden-states.ts";

/** Of a sequence of T tokens: `ids` and `logProbs` `[T · k]`, likeliest first, about the token at t given those before it; those of t = 0 are 0. */
export interface TopLogProbs {
  ids: Int32Array;
  /** Nats. */
  logProbs: Float32Array;
}

export interface TopLogProbsOptions {
  /** Tokens kept at each position. */
  k: number;
  /** Divisor of the logits, > 0. */
  temperature: number;
  /** Tokens of a batch, padding included; default 16384. The logits of a whole batch are in memory at once. */
  batchTokens?: number;
  onProgress?: (progress: { done: number; total: number }) => void;
}

const DEFAULT_BATCH_TOKENS = 16_384;
/** Bytes of a batch's logits. */
const LOGITS_BYTES = 512 * 1024 * 1024;

/** The `k` likeliest tokens at every position of every sequence, in the order given. @throws ConfigError for a k outside 1 … vocabulary. */
export async function topLogProbs(
  model: LanguageModel,
  sequences: readonly Int32Array[],
  options: TopLogProbsOptions,
): Promise<TopLogProbs[]> {
  const { k, temperature, onProgress } = options;
  const { vocabSize, maxPositionEmbeddings: most } = model.config;
  if (!Number.isInteger(k) || k < 1 || k > vocabSize)
    throw new ConfigError({ who: "topLogProbs", argument: "k", expected: `from 1 to ${vocabSize}, the vocabulary`, received: String(k) });
  const lengths = sequences.map(({ length }) => length);
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const bound = Math.min(options.batchTokens ?? DEFAULT_BATCH_TOKENS, Math.floor(LOGITS_BYTES / (4 * vocabSize)));
  const results: TopLogProbs[] = Array.from({ length: sequences.length });
  const steps = new Map<string, Compiled<"inputIds" | "positions", "ids" | "logProbs">>();
  let done = 0;
  for (const { indices, rows, time, packing } of planBatches(lengths, { batchTokens: Math.max(bound, 2 * longest), most })) {
    const places = packing?.places ?? indices.map((index, row) => ({ row, start: 0, length: lengths[index]! }));
    const seen = { rows: packing?.rows ?? rows, time: packing?.time ?? time };
    const key = `${seen.rows}x${seen.time}`;
    let step = steps.get(key);
    if (step === undefined) {
      const spec = { shape: [seen.rows, seen.time], dtype: "int32" } as const;
      step = model.engine.compile(`top_log_probs_${key}`, { inputIds: spec, positions: spec }, ({ inputIds, positions }, state) => {
        const weights = model.readWeights(state);
        const hidden = hiddenStates(model, weights, inputIds, { positions });
        const logits = tf.mul(tf.matMul(hidden, model.architecture.unembedding(weights), false, true), 1 / temperature);
        const { values, indices: ids } = tf.topk(logits, k, true);
        return { ids: tf.cast(ids, "int32"), logProbs: tf.sub(values, tf.logSumExp(logits, -1, true)) };
      });
      steps.set(key, step);
    }
    const { ids, logProbs } = await step(packTokens({ ...seen, places }, (i) => sequences[indices[i]!]!));
    places.forEach(({ row, start, length }, i) => {
      // What the hidden state of a token says is about the next one.
      const from = (row * seen.time + start) * k;
      const to = from + (length - 1) * k;
      const result = { ids: new Int32Array(length * k), logProbs: new Float32Array(length * k) };
      result.ids.set((ids as Int32Array).subarray(from, to), k);
      result.logProbs.set((logProbs as Float32Array).subarray(from, to), k);
      results[indices[i]!] = result;
    });
    done += indices.length;
    onProgress?.({ done, total: sequences.length });
  }
  return results;
}
