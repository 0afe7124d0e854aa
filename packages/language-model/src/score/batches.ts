// Sequences of many lengths as batches: packed into rows of the longest one's length, cut by a budget of tokens, in few shapes.

import { ConfigError } from "@longcot/errors";
import { powerOfTwo } from "../generate/slots.ts";
import type { Packing } from "./packing.ts";

/** One batch: a padded grid of a sequence to a row and, where some fit together, the fewer rows that the model sees. */
export interface Batch {
  /** Sequences in it, by index; at most `rows` of them, the remaining rows are padding. */
  indices: number[];
  rows: number;
  time: number;
  /** Absent: the model sees the grid as it is. */
  packing?: Packing;
}

export interface BatchOptions {
  /** Most tokens that the model sees in a batch, padding included. */
  batchTokens: number;
  /** Longest `time`: the model's positions. */
  most: number;
}

/** Times are compiled in steps of 16 up to 256, then of a sixteenth of the next power of two. */
export function batchTime(length: number, most: number): number {
  const step = length <= 256 ? 16 : powerOfTwo(length) / 16;
  return Math.min(Math.ceil(Math.max(2, length) / step) * step, most);
}

/** The longest time for which packed rows come in powers of two. */
const FEW_TIMES_UP_TO = 512;
/** Sequences no longer than this need no rows as long as the longest: up to here attention computes a row whole, which is fastest. */
const SHORT_ROW = 256;

/**
 * Time of packed rows: a power of two up to 512 where that is allowed, since compiling a shape takes as long as using it and what a sequence leaves of
 * a row others fill.
 */
function packedTime(length: number, { most, batchTokens }: BatchOptions): number {
  const time = powerOfTwo(Math.max(2, length));
  return time <= Math.min(FEW_TIMES_UP_TO, most, batchTokens) ? time : batchTime(length, most);
}

/**
 * Rows that sequences share: every one, longest first, in the first row with room for it. A long one opens a row of the longest's time, a short one, where the
 * long rows are full, a row of {@link SHORT_ROW}.
 */
function packRows(order: readonly number[], lengths: readonly number[], options: BatchOptions): Row[] {
  if (order.length === 0) return [];
  const longest = packedTime(lengths[order[0]!]!, options);
  const rows: Row[] = [];
  for (const index of order) {
    const length = lengths[index]!;
    const row = rows.find(({ filled, time }) => filled + length <= time);
    if (row === undefined)
      rows.push({ sequences: [index], filled: length, time: length > SHORT_ROW ? longest : Math.min(SHORT_ROW, longest) });
    else {
      row.sequences.push(index);
      row.filled += length;
    }
  }
  return rows.toSorted((a, b) => b.time - a.time || b.filled - a.filled);
}

/** Share of the tokens that packing must save to be worth the tokens' moves and the shapes that it adds. */
const WORTH_PACKING = 0.1;

/**
 * Batches that hold every sequence once, longest first. Sequences share a row (first fit, longest first) where that saves a tenth of the tokens;
 * lengths that are alike get a row each. Rows come in powers of two, so that few shapes are compiled: compiling one takes as long as using it several times.
 * @throws ConfigError where the longest sequence does not fit the budget.
 */
export function planBatches(lengths: readonly number[], options: BatchOptions): Batch[] {
  const order = lengths.map((_, index) => index).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const alone = order.map((index) => ({ sequences: [index], filled: lengths[index]!, time: batchTime(lengths[index]!, options.most) }));
  const apart = cutBatches(alone, options).map(({ rows, chosen, time }): Batch => ({
    indices: sequencesOf(chosen),
    rows,
    time,
  }));
  const shared = Map.groupBy(packRows(order, lengths, options), ({ time }) => time);
  const together = [...shared.values()].flatMap((rows) => cutBatches(rows, options).map((cut) => packedBatch(cut, lengths)));
  const tokens = (batches: readonly Batch[]) =>
    batches.reduce((sum, { rows, time, packing }) => sum + (packing?.rows ?? rows) * (packing?.time ?? time), 0);
  return tokens(together) < (1 - WORTH_PACKING) * tokens(apart) ? together : apart;
}

/**
 * Batches for a loss over groups, pairs for one: sequences g·`groupSize` to (g + 1)·`groupSize` − 1 are group g, and lie in one batch, one after the other
 * in its grid; a grid has a multiple of `groupSize` rows. A group shares a row of the model's, and rows are shared by groups as in {@link planBatches}.
 * @throws ConfigError where the number of sequences is not a multiple of `groupSize`, or the longest group does not fit the budget.
 */
export function planGroupedBatches(lengths: readonly number[], { groupSize, ...options }: BatchOptions & { groupSize: number }): Batch[] {
  if (!Number.isInteger(groupSize) || groupSize < 1 || lengths.length % groupSize !== 0)
    throw new ConfigError({
      who: "planGroupedBatches",
      argument: "lengths",
      expected: `a multiple of groupSize (${groupSize}) of them`,
      received: String(lengths.length),
    });
  const membersOf = (group: number): number[] => Array.from({ length: groupSize }, (_, member) => group * groupSize + member);
  const totals = Array.from({ length: lengths.length / groupSize }, (_, group) =>
    membersOf(group).reduce((sum, index) => sum + lengths[index]!, 0),
  );
  return planBatches(totals, { ...options, most: groupSize * options.most }).map(({ indices: groups, rows, time, packing }): Batch => {
    const starts = packing?.places ?? groups.map((_, row) => ({ row, start: 0 }));
    const places = groups.flatMap((group, i) => {
      const { row } = starts[i]!;
      let { start } = starts[i]!;
      return membersOf(group).map((index) => {
        const place = { row, start, length: lengths[index]! };
        start += place.length;
        return place;
      });
    });
    const indices = groups.flatMap(membersOf);
    return {
      indices,
      rows: groupSize * powerOfTwo(groups.length),
      time: batchTime(Math.max(...indices.map((index) => lengths[index]!)), options.most),
      packing: { rows: packing?.rows ?? rows, time: packing?.time ?? time, places },
    };
  });
}

/** Sequences that lie one after the other in a row of `time`. */
interface Row {
  sequences: number[];
  filled: number;
  time: number;
}

const sequencesOf = (rows: readonly Row[]): number[] => rows.flatMap(({ sequences }) => sequences);

interface Cut {
  chosen: readonly Row[];
  /** A power of two, at least as many as are chosen. */
  rows: number;
  time: number;
}

/** Padding that is worth one batch instead of two. */
const MOST_PADDING = 1 / 8;

/** `rows`, longest first, in batches; each as long as its first. */
function cutBatches(rows: readonly Row[], { batchTokens }: BatchOptions): Cut[] {
  const cuts: Cut[] = [];
  for (let from = 0; from < rows.length;) {
    const { time } = rows[from]!;
    const room = Math.floor(batchTokens / time);
    if (room < 1)
      throw new ConfigError({
        who: "planBatches",
        argument: "tokens of a batch",
        expected: `at least ${time}, to hold the longest sequence`,
        received: String(batchTokens),
      });
    const left = rows.length - from;
    const all = powerOfTwo(left);
    const count = all <= room && all - left <= all * MOST_PADDING ? all : 2 ** Math.floor(Math.log2(Math.min(left, room)));
    cuts.push({ chosen: rows.slice(from, from + count), rows: count, time });
    from += count;
  }
  return cuts;
}

/** Rows of a grid for each packed row: padding of the grid costs nothing, since it is only numbers of the loss, and another shape costs its compilation. */
const GRID_ROWS = 8;

function packedBatch({ chosen, rows, time }: Cut, lengths: readonly number[]): Batch {
  const indices = sequencesOf(chosen);
  const places = chosen.flatMap(({ sequences }, row) => {
    let start = 0;
    return sequences.map((index) => {
      const place = { row, start, length: lengths[index]! };
      start += place.length;
      return place;
    });
  });
  return { indices, rows: Math.max(GRID_ROWS * rows, powerOfTwo(indices.length)), time, packing: { rows, time, places } };
}
