// How token losses become one number: the weight of each row's tokens, from denominators that are exact over the whole batch.
import { NumericError } from "@longcot/errors";

import { checkChoice, checkNumber } from "./option-checks.ts";
import { checkFinite } from "./row-values.ts";

/**
 * With ℓ the loss of a token, n_i the response tokens of row i, N their sum, S the number of rows that have any, and L the scale factor:
 * - `token-mean`: Σ ℓ / N (DAPO, MAGIC).
 * - `token-sum`: Σ ℓ.
 * - `seq-mean-token-mean`: Σ_i (Σ_t ℓ / n_i) / S (GRPO, GSPO).
 * - `seq-mean-token-sum`: Σ ℓ / S.
 * - `seq-mean-token-sum-norm`: Σ ℓ / (S · L) (Dr. GRPO).
 *
 * Source: verl 0.9.1 trainer/ppo/core_algos.py, `agg_loss`.
 */
export type Aggregation = "token-mean" | "token-sum" | "seq-mean-token-mean" | "seq-mean-token-sum" | "seq-mean-token-sum-norm";

/** Every accepted {@link Aggregation}. */
export const aggregations: readonly Aggregation[] = [
  "token-mean",
  "token-sum",
  "seq-mean-token-mean",
  "seq-mean-token-sum",
  "seq-mean-token-sum-norm",
];

/** What the denominators count, and how a micro-batch is told about the rest of its batch. */
export interface AggregationOptions {
  readonly aggregation: Aggregation;
  /** [rows], response tokens of each row; 0 for a row that is masked out. */
  readonly lengths: ArrayLike<number>;
  /** N of the whole batch; absent: of `lengths`. */
  readonly batchTokens?: number | undefined;
  /** S of the whole batch; absent: of `lengths`. */
  readonly batchSequences?: number | undefined;
  /** L, tokens: a constant, such as the context length. Needed by `seq-mean-token-sum-norm`, without effect elsewhere. */
  readonly scaleFactor?: number | undefined;
  /** Replicas whose gradients are averaged afterwards: weights are multiplied by it. Default 1. */
  readonly replicas?: number | undefined;
}

/** What a policy loss takes in. */
export interface LossReduction {
  /** [rows], the weight of each response token of a row: the loss is Σ_i rowWeights_i Σ_t ℓ. 0 for rows without tokens. */
  readonly rowWeights: Float32Array;
  /** N: what metrics, which are means over tokens whatever the loss does, are divided by. */
  readonly tokenDenominator: number;
}

/**
 * Returns the row weights of an aggregation. Give each micro-batch its own `lengths` and the batch's `batchTokens` and `batchSequences`
 * ({@link countResponses}): then losses, gradients and metrics of the micro-batches add up to those of the batch.
 *
 * @throws NumericError when the batch has no response token, because no mean exists: skip its update.
 * @throws ConfigError on an unknown aggregation, a denominator that is not above 0, or a scale factor that is missing.
 *
 * @example lossReduction({ aggregation: "seq-mean-token-mean", lengths: [2, 1] }).rowWeights // [0.25, 0.5]
 */
export function lossReduction(options: AggregationOptions): LossReduction {
  const who = "lossReduction";
  const { aggregation, lengths, scaleFactor, replicas = 1 } = options;
  checkChoice(who, "aggregation", aggregation, aggregations);
  checkNumber(who, "replicas", replicas, { least: 0, exclusive: true });
  const { tokens, sequences } = countsOf(who, options);
  const weightOf = (): ((length: number) => number) => {
    switch (aggregation) {
      case "token-mean":
        return () => 1 / tokens;
      case "token-sum":
        return () => 1;
      case "seq-mean-token-mean":
        return (length) => 1 / (sequences * length);
      case "seq-mean-token-sum":
        return () => 1 / sequences;
      case "seq-mean-token-sum-norm": {
        checkNumber(who, "scaleFactor", scaleFactor ?? Number.NaN, { least: 0, exclusive: true });
        return () => 1 / (sequences * scaleFactor!);
      }
    }
  };
  const weight = weightOf();
  return { rowWeights: Float32Array.from(lengths, (length) => (length === 0 ? 0 : replicas * weight(length))), tokenDenominator: tokens };
}

/**
 * The rule of the released Skywork-OR1 code, for comparisons with it: each micro-batch is aggregated by itself, then weighted by its rows
 * over the rows that a mini-batch nominally has. Unlike {@link lossReduction} the result depends on how the batch is cut, and rejected rows
 * shrink the gradient.
 *
 * `lengths` are those of one micro-batch; `batchTokens` only serves the metrics.
 * Source: SkyworkAI/Skywork-OR1 verl/workers/actor/dp_actor.py, `update_policy`.
 *
 * @example perMicroBatchReduction({ aggregation: "token-mean", lengths: [2, 1], nominalRows: 4 }).rowWeights // [1/6, 1/6]
 */
export function perMicroBatchReduction({
  nominalRows,
  batchTokens,
  ...options
}: Omit<AggregationOptions, "batchSequences" | "replicas"> & {
  /** D_T · M: rows of a mini-batch before any is rejected. */
  readonly nominalRows: number;
}): LossReduction {
  checkNumber("perMicroBatchReduction", "nominalRows", nominalRows, { least: 0, exclusive: true });
  const own = lossReduction({ ...options, replicas: options.lengths.length / nominalRows });
  return { rowWeights: own.rowWeights, tokenDenominator: batchTokens ?? own.tokenDenominator };
}

/**
 * Returns the response tokens and the rows that have any: N and S of {@link Aggregation}, to be counted over the whole batch of an update.
 *
 * @throws NumericError when no token is left, because no mean exists: skip the update instead.
 */
export function countResponses(lengths: ArrayLike<number>): { batchTokens: number; batchSequences: number } {
  const { tokens, sequences } = countsOf("countResponses", { lengths });
  return { batchTokens: tokens, batchSequences: sequences };
}

function countsOf(
  who: string,
  { lengths, batchTokens, batchSequences }: Pick<AggregationOptions, "lengths" | "batchTokens" | "batchSequences">,
): { tokens: number; sequences: number } {
  checkFinite(who, "lengths", lengths);
  const list = Array.from(lengths);
  const tokens = batchTokens ?? list.reduce((sum, length) => sum + length, 0);
  const sequences = batchSequences ?? list.filter((length) => length > 0).length;
  if (batchTokens !== undefined) checkNumber(who, "batchTokens", batchTokens, { least: 0, exclusive: true });
  if (batchSequences !== undefined) checkNumber(who, "batchSequences", batchSequences, { least: 0, exclusive: true });
  if (tokens === 0 || (batchTokens === undefined && sequences === 0))
    throw new NumericError({
      who,
      argument: "lengths",
      expected: "at least one token to average over",
      received: `${list.length} rows, none with a token`,
      fix: "Skip the update of a batch without kept tokens",
    });
  return { tokens, sequences };
}
