// Sequences of many lengths as padded batches: sorted by length, cut by a budget of tokens, in few shapes.

import { ConfigError } from "@longcot/errors";

/** One padded batch. */
export interface Batch {
  /** Sequences in it, by index; at most `rows` of them, the remaining rows are padding. */
  indices: number[];
  rows: number;
  time: number;
}

export interface BatchOptions {
  /** Most `rows · time` of a batch. */
  batchTokens: number;
  /** Longest `time`: the model's positions. */
  most: number;
}

/** Times are compiled in steps of 16 up to 128, then of an eighth of the next power of two. */
export function batchTime(length: number, most: number): number {
  const step = length <= 128 ? 16 : 2 ** Math.ceil(Math.log2(length)) / 8;
  return Math.min(Math.ceil(Math.max(2, length) / step) * step, most);
}

/**
 * Batches that hold every sequence once, longest first. Of one time there are at most two row counts per power of two, so that few shapes are compiled.
 * @throws ConfigError where the longest sequence does not fit the budget.
 */
export function planBatches(lengths: readonly number[], { batchTokens, most }: BatchOptions): Batch[] {
  const order = lengths.map((_, index) => index).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const batches: Batch[] = [];
  for (let from = 0; from < order.length;) {
    const time = batchTime(lengths[order[from]!]!, most);
    const room = Math.floor(batchTokens / time);
    if (room < 1)
      throw new ConfigError({
        who: "planBatches",
        argument: "tokens of a batch",
        expected: `at least ${time}, to hold the longest sequence`,
        received: String(batchTokens),
      });
    const indices = order.slice(from, from + room);
    batches.push({ indices, rows: Math.min(rowCount(indices.length), room), time });
    from += indices.length;
  }
  return batches;
}

/** Rounded up to a multiple of a quarter of its power of two: at most a third of the rows are padding, and shapes recur. */
function rowCount(rows: number): number {
  const step = Math.max(1, 2 ** Math.floor(Math.log2(rows)) / 4);
  return Math.ceil(rows / step) * step;
}
