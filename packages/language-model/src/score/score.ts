// Scoring: log-probabilities and entropies of given sequences.

import type { LanguageModel } from "../model/model.ts";
import type { DistributionTerms } from "./distribution-terms.ts";
import { sequenceLogProbs } from "./sequence-log-probs.ts";
import { tokenValues } from "./token-values.ts";
import type { TokenValuesOptions } from "./token-values.ts";

/** Per token of a sequence, f32, nats: entry t is about token t given the ones before it; entry 0 is 0. */
export interface SequenceScore {
  logProbs: Float32Array;
  entropies: Float32Array;
  /** Under the name of each, where terms of the distribution were asked for. */
  distribution?: Record<string, Float32Array>;
}

export interface ScoreOptions extends TokenValuesOptions {
  /** Divisor of the logits, > 0. */
  temperature: number;
  /** Numbers of the whole distribution at every token that are wanted beside. Absent: none. */
  distribution?: DistributionTerms | undefined;
}

/**
 * Scores every sequence, in the order given.
 * @throws ConfigError where a sequence has fewer than one token or more than the model's positions.
 */
export async function score(model: LanguageModel, sequences: readonly Int32Array[], options: ScoreOptions): Promise<SequenceScore[]> {
  const { temperature, distribution } = options;
  const names = Object.keys(distribution ?? {});
  const scores = await tokenValues(model, sequences, {
    ...options,
    who: "score",
    kind: [`@${temperature}`, ...names].join("+"),
    see: (weights, inputIds, { positions }) => {
      const { distribution: terms, ...chosen } = sequenceLogProbs(model, weights, inputIds, {
        temperature,
        ...(positions && { positions }),
        ...(distribution && { distribution: { terms: distribution } }),
      });
      return { logProbs: chosen.logProbs, entropies: chosen.entropies, ...terms };
    },
  });
  if (names.length === 0) return scores;
  return scores.map(({ logProbs, entropies, ...others }) => ({ logProbs, entropies, distribution: others }));
}
