// Scoring: log-probabilities and entropies of given sequences, in packed batches of few shapes.

import type { Compiled } from "@longcot/tensor-kernels";
import { ConfigError } from "@longcot/errors";
import type { LanguageModel } from "../model/language-model.ts";
import { planBatches } from "./batches.ts";
import { packTokens } from "./packing.ts";
import { sequenceLogProbs } from "./sequence-log-probs.ts";

/** Per token of a sequence, f32, nats: entry t is about token t given the ones before it; entry 0 is 0. */
export interface SequenceScore {
  logProbs: Float32Array;
  entropies: Float32Array;
}

export interface ScoreOptions {
  /** Divisor of the logits, > 0. */
  temperature: number;
  /** Tokens of a batch, padding included; default 16384. */
  batchTokens?: number;
  onProgress?: (progress: { done: number; total: number }) => void;
}

type ScoreStep = Compiled<"inputIds" | "positions", "logProbs" | "entropies">;
const compiledFor = new WeakMap<LanguageModel, Map<string, ScoreStep>>();
const DEFAULT_BATCH_TOKENS = 16_384;

/**
 * Scores every sequence, in the order given.
 * @throws ConfigError where a sequence has fewer than one token or more than the model's positions.
 */
export async function score(model: LanguageModel, sequences: readonly Int32Array[], options: ScoreOptions): Promise<SequenceScore[]> {
  const { temperature, batchTokens = DEFAULT_BATCH_TOKENS } = options;
  sequences.forEach((sequence, i) => {
    if (sequence.length < 1 || sequence.length > model.config.maxPositionEmbeddings) {
      throw new ConfigError({
        who: "score",
        argument: `sequence ${i}`,
        expected: `1 to ${model.config.maxPositionEmbeddings} tokens`,
        received: String(sequence.length),
      });
    }
  });
  const scores: SequenceScore[] = Array.from({ length: sequences.length });
  let done = 0;
  for (const { indices, rows, time, packing } of planBatches(
    sequences.map((sequence) => sequence.length),
    { batchTokens, most: model.config.maxPositionEmbeddings },
  )) {
    const places = packing?.places ?? indices.map((index, row) => ({ row, start: 0, length: sequences[index]!.length }));
    const seen = { rows: packing?.rows ?? rows, time: packing?.time ?? time };
    const { inputIds, positions } = packTokens({ ...seen, places }, (i) => sequences[indices[i]!]!);
    const step = scoreStep(model, { ...seen, temperature, isPacked: packing !== undefined });
    const { logProbs, entropies } = await step({ inputIds, positions });
    places.forEach(({ row, start, length }, i) => {
      const from = row * seen.time + start;
      const part = (values: unknown) => (values as Float32Array).slice(from, from + length);
      scores[indices[i]!] = { logProbs: part(logProbs), entropies: part(entropies) };
    });
    done += indices.length;
    options.onProgress?.({ done, total: sequences.length });
  }
  return scores;
}

function scoreStep(
  model: LanguageModel,
  { temperature, rows, time, isPacked }: { temperature: number; rows: number; time: number; isPacked: boolean },
): ScoreStep {
  let steps = compiledFor.get(model);
  if (steps === undefined) compiledFor.set(model, (steps = new Map()));
  const key = `${isPacked ? "packed_" : ""}${rows}x${time}@${temperature}`;
  let step = steps.get(key);
  if (step === undefined) {
    const ids = { shape: [rows, time], dtype: "int32" } as const;
    step = model.engine.compile(`score_${rows}x${time}`, { inputIds: ids, positions: ids }, ({ inputIds, positions }, state) => ({
      ...sequenceLogProbs(model, model.readWeights(state), inputIds, { temperature, ...(isPacked ? { positions } : {}) }),
    }));
    steps.set(key, step);
  }
  return step;
}
