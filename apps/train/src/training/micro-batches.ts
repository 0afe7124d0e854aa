// The rows of a mini-batch in micro-batches of the recipe's token budget: padded grids of their columns, weights by the recipe's aggregation.

import { planBatches } from "@longcot/language-model";
import type { Batch } from "@longcot/language-model";
import { lossReduction, perMicroBatchReduction } from "@longcot/ppo-loss";
import type { Rollouts } from "@longcot/rollout-buffer";
import type { Recipe, Stage } from "../recipe/schema.ts";

/** One micro-batch, its sequences `[rows, time]` from the left; rows that only fill a compiled shape are zeros. */
export interface RowBatch extends Pick<Batch, "rows" | "time" | "packing"> {
  /** Rows of the rollouts that are in it. */
  chosen: readonly number[];
  inputIds: Int32Array;
  /** 1 on response tokens. */
  responseMask: Float32Array;
  /** A column of the rollouts. */
  stored: (name: "old_log_probs" | "ref_log_probs") => Float32Array;
  /** A flat column of the rollouts' response tokens, each response behind its prompt. */
  grid: (values: Float32Array | Uint8Array) => Float32Array;
  /** `[rows]` of one number for each chosen row. */
  perRow: (values: Float32Array) => Float32Array;
}

/** Micro-batches that hold every one of `rows` once. `most`: longest sequence of the model. */
export function* microBatches(
  rollouts: Rollouts,
  rows: readonly number[],
  { batchTokens, most }: { batchTokens: number; most: number },
): Generator<RowBatch> {
  const prompts = rollouts.viewPerToken("prompt_tokens").offsets;
  const responses = rollouts.viewPerToken("response_tokens").offsets;
  const span = (offsets: Int32Array<ArrayBufferLike>, row: number): number => offsets[row + 1]! - offsets[row]!;
  for (const batch of planBatches(
    rows.map((row) => span(prompts, row) + span(responses, row)),
    { batchTokens, most },
  )) {
    const chosen = batch.indices.map((index) => rows[index]!);
    const { inputIds, responseMask } = rollouts.copySequences(chosen, { timeSteps: batch.time, padToken: 0 });
    const size = batch.rows * batch.time;
    yield {
      rows: batch.rows,
      time: batch.time,
      ...(batch.packing === undefined ? {} : { packing: batch.packing }),
      chosen,
      inputIds: filledTo(inputIds, size),
      responseMask: filledTo(responseMask, size),
      stored(name) {
        const padded = rollouts.copyPadded(name, chosen, { timeSteps: batch.time, pad: 0, start: "sequence" });
        return filledTo(padded as Float32Array<ArrayBuffer>, size);
      },
      grid: (values) => paddedGrid(values, { chosen, prompts, responses, batch }),
      perRow: (values) => filledTo(values, batch.rows),
    };
  }
}

/** Weights of the rows of a micro-batch, by the recipe's aggregation and denominator. */
export function rowWeights(
  lengths: readonly number[],
  { recipe, stage, ...counts }: { recipe: Recipe; stage: Stage; batchTokens: number; batchSequences: number },
): Float32Array {
  const { aggregation, denominator } = recipe.loss;
  const options = { aggregation, lengths, scaleFactor: stage.context_length };
  if (lengths.every((length) => length === 0)) return new Float32Array(lengths.length);
  if (denominator === "exact") return lossReduction({ ...options, ...counts }).rowWeights;
  return perMicroBatchReduction({ ...options, nominalRows: stage.mini_batch_size * stage.group_size }).rowWeights;
}

/** A flat token column as the `[rows, time]` of a batch, each response behind its prompt. */
function paddedGrid(
  values: Float32Array | Uint8Array,
  {
    chosen,
    prompts,
    responses,
    batch: { rows, time },
  }: { chosen: readonly number[]; prompts: Int32Array<ArrayBufferLike>; responses: Int32Array<ArrayBufferLike>; batch: Batch },
): Float32Array {
  const grid = new Float32Array(rows * time);
  chosen.forEach((row, i) => {
    const promptLength = prompts[row + 1]! - prompts[row]!;
    grid.set(values.subarray(responses[row], responses[row + 1]), i * time + promptLength);
  });
  return grid;
}

/** `values` with zeros behind them up to `size`: rows that only fill a compiled shape. */
function filledTo<T extends Float32Array | Int32Array>(values: T, size: number): T {
  if (values.length === size) return values;
  const filled = new (values.constructor as new (length: number) => T)(size);
  filled.set(values);
  return filled;
}
