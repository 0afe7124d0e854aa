// Scalars of given sequences: of every token, as a critic gives them, or one a sequence, as a reward model does.

import type { ActorCritic, ScalarModel } from "../model/model.ts";
import { sequenceScalars } from "./sequence-scalars.ts";
import { tokenValues } from "./token-values.ts";
import type { TokenValuesOptions } from "./token-values.ts";

/**
 * The head's number after every token of each sequence, f32, in the order given: entry t has seen the tokens up to t. As a critic's, entry t − 1 is V of
 * the state in which token t is chosen.
 * @throws ConfigError where a sequence has fewer than one token or more than the model's positions.
 */
export async function tokenScalars(
  model: ScalarModel | ActorCritic,
  sequences: readonly Int32Array[],
  options: TokenValuesOptions = {},
): Promise<Float32Array[]> {
  const values = await tokenValues(model, sequences, {
    ...options,
    who: "tokenScalars",
    kind: "",
    see: (weights, inputIds, seeing) => ({ scalars: sequenceScalars(model, weights, inputIds, seeing) }),
  });
  return values.map(({ scalars }) => scalars);
}

/**
 * One score a sequence, `[sequences] f32`: the head's number at its {@link lastScoredToken}, as transformers' sequence classifiers have it.
 * @throws as {@link tokenScalars}.
 */
export async function sequenceScores(
  model: ScalarModel,
  sequences: readonly Int32Array[],
  options: TokenValuesOptions = {},
): Promise<Float32Array> {
  const scalars = await tokenScalars(model, sequences, options);
  return Float32Array.from(sequences, (sequence, i) => scalars[i]![lastScoredToken(sequence, model.config.padTokenId)]!);
}

/**
 * Index of the token that a sequence is scored at: the last one that is not `padTokenId`; 0 where all are; the last where there is no `padTokenId`.
 * Where the padding token is also the one that ends a response, a sequence is thus scored before its end.
 * Source: transformers 5.23 modeling_layers.py, `GenericForSequenceClassification`.
 */
export function lastScoredToken(sequence: Int32Array, padTokenId: number | undefined): number {
  return padTokenId === undefined
    ? sequence.length - 1
    : Math.max(
        0,
        sequence.findLastIndex((token) => token !== padTokenId),
      );
}
