// Several steps one after the other, without copying any: rows are numbered through, each step stays a chunk.
import { ConfigError } from "@longcot/errors";
import { Table } from "apache-arrow";
import type { PerTokenColumn, ValuesOf } from "./column-table.ts";
import { findColumn } from "./column-table.ts";
import { checkRows, copyPaddedRows, copySequenceRows, type PaddedOptions, type SequenceBatch } from "./padded-batch.ts";
import type { RolloutRow } from "./rollout-row.ts";
import type { RolloutGroup, Rollouts } from "./rollouts.ts";

/** Where a row lies: `chunks[chunk]`, its row `row`. */
export interface ChunkedRow {
  chunk: number;
  row: number;
}

/** Rows of several steps or slices in the order given. It owns nothing: free the steps themselves. */
export class RolloutChunks {
  readonly chunks: readonly Rollouts[];
  /** Number of rows. */
  readonly length: number;
  /** First row of each chunk. */
  readonly #starts: readonly number[];

  constructor(chunks: readonly Rollouts[]) {
    const starts: number[] = [];
    let rows = 0;
    for (const { length } of chunks) {
      starts.push(rows);
      rows += length;
    }
    this.chunks = chunks;
    this.length = rows;
    this.#starts = starts;
  }

  /** The chunk of a row and its number there. @throws ShapeError unless `row` is a row number. */
  locate(row: number): ChunkedRow {
    checkRows("RolloutChunks.locate", [row], this.length);
    return this.#locate(row);
  }

  /** Row `row` as a record, its arrays as views. @throws ShapeError unless `row` is a row number. */
  viewRow(row: number): RolloutRow {
    const { chunk, row: inChunk } = this.locate(row);
    return this.chunks[chunk]!.viewRow(inChunk);
  }

  /** The lists of a per-token column, row by row. Aliasing: views of the steps' memory. */
  *lists<Name extends PerTokenColumn>(column: Name): Generator<ValuesOf<Name>> {
    for (const chunk of this.chunks) yield* chunk.lists(column);
  }

  /** The groups of every chunk by the rows numbered through; a prompt that comes in two chunks gives two. */
  *groups(): Generator<RolloutGroup> {
    for (const [i, chunk] of this.chunks.entries())
      for (const { promptId, from, to } of chunk.groups()) yield { promptId, from: from + this.#starts[i]!, to: to + this.#starts[i]! };
  }

  /** As {@link Rollouts.copyPadded}, over the rows numbered through. */
  copyPadded<Name extends PerTokenColumn>(
    column: Name,
    rows: ArrayLike<number>,
    options: PaddedOptions,
  ): ValuesOf<Name> extends Int32Array ? Int32Array<ArrayBuffer> : Float32Array<ArrayBuffer> {
    const who = "RolloutChunks.copyPadded";
    checkRows(who, rows, this.length);
    return copyPaddedRows(who, findColumn(column)!, this.#viewList, rows, options) as never;
  }

  /** As {@link Rollouts.copySequences}, over the rows numbered through. */
  copySequences(rows: ArrayLike<number>, options: { timeSteps: number; padToken: number }): SequenceBatch {
    const who = "RolloutChunks.copySequences";
    checkRows(who, rows, this.length);
    return copySequenceRows(who, this.#viewList, rows, options);
  }

  /** An Arrow table of one batch a chunk. Aliasing: its buffers are the steps' own memory. The schema's metadata is the first step's. */
  viewTable(): Table {
    return new Table(this.chunks.map((chunk) => chunk.viewRecordBatch()));
  }

  readonly #viewList = (row: number, column: PerTokenColumn): ValuesOf<PerTokenColumn> => {
    const { chunk, row: inChunk } = this.#locate(row);
    const { values, offsets } = this.chunks[chunk]!.viewPerToken(column);
    return values.subarray(offsets[inChunk]!, offsets[inChunk + 1]!);
  };

  #locate(row: number): ChunkedRow {
    const chunk = this.#starts.findLastIndex((start) => start <= row);
    return { chunk, row: row - this.#starts[chunk]! };
  }
}

/**
 * `chunks` one after the other, without copying.
 *
 * @throws ConfigError when there is none, or when they do not carry the same columns.
 */
export function concatRollouts(chunks: readonly Rollouts[]): RolloutChunks {
  const [first] = chunks;
  if (first === undefined)
    throw new ConfigError({ who: "concatRollouts", argument: "chunks", expected: "at least one step", received: "none" });
  const columns = first.columns.join(", ");
  for (const [i, chunk] of chunks.entries()) {
    if (chunk.columns.join(", ") !== columns)
      throw new ConfigError({
        who: "concatRollouts",
        argument: `chunks[${i}]`,
        expected: `the columns of the first (${columns})`,
        received: chunk.columns.join(", "),
      });
  }
  return new RolloutChunks(chunks);
}
