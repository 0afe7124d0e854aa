// Scoring: log-probabilities and entropies of given sequences.

import type { LanguageModel } from "../model/model.ts";
import { sequenceLogProbs } from "./sequence-log-probs.ts";
import { tokenValues } from "./token-values.ts";
import type { TokenValuesOptions } from "./token-values.ts";

/** Per token of a sequence, f32, nats: entry t is about token t given the ones before it; entry 0 is 0. */
export interface SequenceScore {
  logProbs: Float32Array;
  entropies: Float32Array;
}

export interface ScoreOptions extends TokenValuesOptions {
  /** Divisor of the logits, > 0. */
  temperature: number;
}

/**
 * Scores every sequence, in the order given.
 * @throws ConfigError where a sequence has fewer than one token or more than the model's positions.
 */
export async function score(model: LanguageModel, sequences: readonly Int32Array[], options: ScoreOptions): Promise<SequenceScore[]> {
  const { temperature } = options;
  return tokenValues(model, sequences, {
    ...options,
    who: "score",
    kind: `@${temperature}`,
    see: (weights, inputIds, { positions }) => {
      const { logProbs, entropies } = sequenceLogProbs(model, weights, inputIds, {
        temperature,
        ...(positions === undefined ? {} : { positions }),
      });
      return { logProbs, entropies };
    },
  });
}
