// Scoring: log-probabilities and entropies of given sequences, in padded batches of few shapes.

import type { Compiled } from "@longcot/tensor-kernels";
import { ConfigError } from "@longcot/errors";
import type { LanguageModel } from "../model/language-model.ts";
import { planBatches } from "./batches.ts";
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

type ScoreStep = Compiled<"inputIds", "logProbs" | "entropies">;
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
  for (const { indices, rows, time } of planBatches(
    sequences.map((sequence) => sequence.length),
    { batchTokens, most: model.config.maxPositionEmbeddings },
  )) {
    const inputIds = new Int32Array(rows * time);
    indices.forEach((index, row) => inputIds.set(sequences[index]!, row * time));
    const { logProbs, entropies } = await scoreStep(model, temperature, rows, time)({ inputIds });
    indices.forEach((index, row) => {
      const part = (values: unknown) => (values as Float32Array).slice(row * time, row * time + sequences[index]!.length);
      scores[index] = { logProbs: part(logProbs), entropies: part(entropies) };
    });
    done += indices.length;
    options.onProgress?.({ done, total: sequences.length });
  }
  return scores;
}

function scoreStep(model: LanguageModel, temperature: number, rows: number, time: number): ScoreStep {
  let steps = compiledFor.get(model);
  if (steps === undefined) compiledFor.set(model, (steps = new Map()));
  const key = `${rows}x${time}@${temperature}`;
  let step = steps.get(key);
  if (step === undefined) {
    step = model.engine.compile(`score_${rows}x${time}`, { inputIds: { shape: [rows, time], dtype: "int32" } }, ({ inputIds }, state) => ({
      ...sequenceLogProbs(model, model.readWeights(state), inputIds, { temperature }),
    }));
    steps.set(key, step);
  }
  return step;
}
