// The one writer of a step: rows appended in any order as they finish, graded, scored, then sealed into immutable Rollouts.
// Not in this version: appending from several threads; growth beyond the capacity given at the start.
import { ConfigError, DataError, LongcotError, ShapeError } from "@longcot/errors";
import { checkAppendedRow, checkClass, checkLength, checkName, LARGEST_INT32, type AppendedRow } from "./appended-row.ts";
import type { Arena } from "./arena.ts";
import type { ColumnStorage } from "./column-storage.ts";
import {
  ROLLOUT_COLUMNS,
  type CategoryColumn,
  type PerRowColumn,
  type PerTokenColumn,
  type SettableColumn,
  type ValuesOf,
} from "./column-table.ts";
import { checkRows, copyPaddedRows, copySequenceRows, type PaddedOptions, type SequenceBatch } from "./padded-batch.ts";
import { checkMetadata } from "./rollout-metadata.ts";
import { Rollouts } from "./rollouts.ts";
import { checkUniqueRows, copySortedRows } from "./row-order.ts";
import { checkFilled, checkFinite } from "./seal-checks.ts";
import { sealColumns } from "./seal-columns.ts";
import { allocateWriterColumns, type StepCapacity, type WriterColumns } from "./writer-columns.ts";

/** What seal records beside the rows. */
export interface SealOptions {
  step: number;
  seed: number;
  /** The caller's own string pairs for the file's metadata. */
  metadata?: Readonly<Record<string, string>>;
}

type SettablePerRow = SettableColumn & PerRowColumn;
type SettableCategory = SettableColumn & CategoryColumn;
type SettablePerToken = SettableColumn & PerTokenColumn;

/** Fills one step. Make it with {@link createRolloutWriter}; rows are numbered in the order of appending until seal sorts them. */
export class RolloutWriter {
  readonly #capacity: StepCapacity;
  readonly #buffer: SharedArrayBuffer;
  readonly #columns: WriterColumns;
  /** One byte a row for each settable column that the step carries. */
  readonly #filled = new Map<string, Uint8Array>();
  /** Strings of each category by the index that its values hold, in order of first use. */
  readonly #categories = new Map<string, string[]>();
  #length = 0;
  #state: "open" | "sealed" | "discarded" = "open";

  constructor(arena: Arena, capacity: StepCapacity) {
    this.#capacity = capacity;
    this.#buffer = arena.buffer;
    this.#columns = allocateWriterColumns(arena, capacity);
    for (const { column } of this.#columns.storages.values()) {
      if (column.filledBy === "set") this.#filled.set(column.name, new Uint8Array(capacity.rows));
      if (column.kind === "category") this.#categories.set(column.name, []);
    }
  }

  /** Rows appended so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds a finished response and returns its row number, valid until {@link seal}. Copies the arrays.
   *
   * @throws ShapeError when lengths disagree, an array has another class, or a capacity is spent (naming the column); DataError for
   * a value outside its column's range; LongcotError after seal. Nothing is added then.
   */
  append(row: AppendedRow): number {
    const who = "RolloutWriter.append";
    this.#checkOpen(who);
    checkAppendedRow(who, row, this.#columns.storages.has("level"));
    const { promptTokens, responseTokens, rolloutLogProbs, responseMask } = row;
    const index = this.#length;
    const { rows, promptTokens: promptCapacity, responseTokens: responseCapacity } = this.#capacity;
    const promptOffsets = this.#storage("prompt_tokens").offsets!;
    const responseOffsets = this.#storage("response_tokens").offsets!;
    checkRoom(who, "rows", "prompt_id", index + 1, rows);
    checkRoom(who, "prompt tokens", "prompt_tokens", promptOffsets[index]! + promptTokens.length, promptCapacity);
    checkRoom(who, "response tokens", "response_tokens", responseOffsets[index]! + responseTokens.length, responseCapacity);

    const [promptAt, responseAt] = [promptOffsets[index]!, responseOffsets[index]!];
    promptOffsets[index + 1] = promptAt + promptTokens.length;
    responseOffsets[index + 1] = responseAt + responseTokens.length;
    this.#storage("prompt_tokens").values.set(promptTokens, promptAt);
    this.#storage("response_tokens").values.set(responseTokens, responseAt);
    this.#storage("rollout_log_probs").values.set(rolloutLogProbs, responseAt);
    const mask = this.#storage("response_mask").values;
    if (responseMask === undefined) mask.fill(1, responseAt, responseAt + responseTokens.length);
    else mask.set(responseMask, responseAt);
    this.#storage("prompt_id").values[index] = row.promptId;
    this.#storage("sample_index").values[index] = row.sampleIndex;
    this.#storage("stage").values[index] = row.stage;
    this.#storage("weight_version").values[index] = row.weightVersion;
    if (row.level !== undefined) this.#storage("level").values[index] = row.level;
    this.#storeCategory("data_source", index, row.dataSource);
    this.#storeCategory("finish_reason", index, row.finishReason);
    for (const flags of this.#filled.values()) flags[index] = 0;
    this.#length++;
    return index;
  }

  /** Sets `reward` or `advantage` of a row; a second call replaces the first. @throws ShapeError for a row not appended; LongcotError after seal. */
  setPerRow(column: SettablePerRow, row: number, value: number): void {
    const who = "RolloutWriter.setPerRow";
    const { values } = this.#settable(who, column, "per-row", row);
    values[row] = value;
    this.#filled.get(column)![row] = 1;
  }

  /** Sets `outcome` of a row; a second call replaces the first. @throws DataError for an empty string; ShapeError for a row not appended; LongcotError after seal. */
  setCategory(column: SettableCategory, row: number, value: string): void {
    const who = "RolloutWriter.setCategory";
    this.#settable(who, column, "category", row);
    checkName(who, column, value);
    this.#storeCategory(column, row, value);
    this.#filled.get(column)![row] = 1;
  }

  /**
   * Sets a response column of a row, for example `old_log_probs`; copies `values` [response tokens of the row], f32.
   *
   * @throws ShapeError naming row and column for another length or class, or a row not appended; ConfigError for an optional column
   * that this step does not carry; LongcotError after seal.
   */
  setPerToken(column: SettablePerToken, row: number, values: Float32Array): void {
    const who = "RolloutWriter.setPerToken";
    const storage = this.#settable(who, column, "per-token", row);
    checkClass(who, `column ${column} of row ${row}`, values, Float32Array);
    checkLength(who, `column ${column} of row ${row}`, values.length, storage.offsets![row + 1]! - storage.offsets![row]!);
    storage.values.set(values, storage.offsets![row]!);
    this.#filled.get(column)![row] = 1;
  }

  /**
   * Row numbers by (prompt_id, sample_index): int32 [rows], newly allocated. Score in this order, and floating-point results do not
   * depend on which response finished first.
   */
  copySortedRows(): Int32Array<ArrayBuffer> {
    return copySortedRows(this.#rowValues("prompt_id"), this.#rowValues("sample_index"));
  }

  /** A per-row column of the rows so far, for example `reward` for the advantages. Aliasing: a view of the arena. @throws DataError when a row lacks it. */
  viewPerRow<Name extends PerRowColumn>(column: Name): ValuesOf<Name> {
    const storage = this.#readable("RolloutWriter.viewPerRow", column, "per-row");
    return storage.values.subarray(0, this.#length) as ValuesOf<Name>;
  }

  /** A row's list of a per-token column. Aliasing: a view of the arena. @throws DataError when a row lacks it; ShapeError for a row not appended. */
  viewRowTokens<Name extends PerTokenColumn>(column: Name, row: number): ValuesOf<Name> {
    const who = "RolloutWriter.viewRowTokens";
    const { values, offsets } = this.#readable(who, column, "per-token");
    checkRows(who, [row], this.#length);
    return values.subarray(offsets![row]!, offsets![row + 1]!) as ValuesOf<Name>;
  }

  /** As {@link Rollouts.copyPadded}, before seal, by the writer's row numbers. @throws DataError when a row lacks the column; ShapeError as there. */
  copyPadded<Name extends PerTokenColumn>(
    column: Name,
    rows: ArrayLike<number>,
    options: PaddedOptions,
  ): ValuesOf<Name> extends Int32Array ? Int32Array<ArrayBuffer> : Float32Array<ArrayBuffer> {
    const who = "RolloutWriter.copyPadded";
    const storage = this.#readable(who, column, "per-token");
    checkRows(who, rows, this.#length);
    return copyPaddedRows(who, storage, this.#storage("prompt_tokens").offsets!, rows, options) as never;
  }

  /** As {@link Rollouts.copySequences}, before seal, by the writer's row numbers. @throws ShapeError as there. */
  copySequences(rows: ArrayLike<number>, options: { timeSteps: number; padToken: number }): SequenceBatch {
    const who = "RolloutWriter.copySequences";
    this.#checkOpen(who);
    checkRows(who, rows, this.#length);
    return copySequenceRows(
      who,
      this.#storage("prompt_tokens"),
      this.#storage("response_tokens"),
      this.#storage("response_mask"),
      rows,
      options,
    );
  }

  /**
   * Sorts the rows by (prompt_id, sample_index) and hands them over; after it every call of this writer throws. The same rows
   * give the same bytes in whatever order they were appended. A refusal changes nothing: mend the row and seal again.
   *
   * @throws DataError for no rows, a missing cell, or a repeated (prompt_id, sample_index); NumericError for a NaN or an
   * infinity; both name row and column. ConfigError for bad metadata; LongcotError after seal.
   */
  seal({ step, seed, metadata }: SealOptions): Rollouts {
    const who = "RolloutWriter.seal";
    this.#checkOpen(who);
    const rows = this.#length;
    const identity = checkMetadata(who, { step, seed, custom: metadata });
    if (rows === 0) throw new DataError({ who, expected: "at least one row", received: "none" });
    const { storages } = this.#columns;
    const order = this.copySortedRows();
    checkUniqueRows(who, order, this.#rowValues("prompt_id"), this.#rowValues("sample_index"));
    checkFilled(who, storages, this.#filled, rows);
    checkFinite(who, storages, rows);

    this.#state = "sealed";
    this.#storage("step").values.fill(step, 0, rows);
    const sealed = sealColumns(this.#columns, this.#buffer, order, this.#categories);
    return new Rollouts(sealed, identity, this.#columns.region);
  }

  /** Gives up the step and returns its memory to the arena. @throws LongcotError after seal: then the Rollouts own it. */
  discard(): void {
    this.#checkOpen("RolloutWriter.discard");
    this.#state = "discarded";
    this.#columns.region.free();
  }

  #storage(name: string): ColumnStorage {
    return this.#columns.storages.get(name)!;
  }

  #rowValues(name: string): Int32Array {
    return this.#storage(name).values.subarray(0, this.#length) as Int32Array;
  }

  #storeCategory(name: string, row: number, value: string): void {
    const strings = this.#categories.get(name)!;
    let code = strings.indexOf(value);
    if (code < 0) code = strings.push(value) - 1;
    this.#storage(name).values[row] = code;
  }

  #checkOpen(who: string): void {
    if (this.#state !== "open")
      throw new LongcotError({
        who,
        expected: "a writer that is still open",
        received: `one that is ${this.#state}`,
        fix: "Create a writer for the next step",
      });
  }

  /** The storage of a carried column of `kind`. */
  #carried(who: string, column: string, kind: string): ColumnStorage {
    this.#checkOpen(who);
    const storage = this.#columns.storages.get(column);
    if (storage === undefined || storage.column.kind !== kind) {
      const names = [...this.#columns.storages.values()].filter((other) => other.column.kind === kind).map((other) => other.column.name);
      throw new ConfigError({
        who,
        argument: "column",
        expected: `one of ${names.join(", ")}`,
        received: column,
      });
    }
    return storage;
  }

  #settable(who: string, column: string, kind: string, row: number): ColumnStorage {
    const storage = this.#carried(who, column, kind);
    if (storage.column.filledBy !== "set")
      throw new ConfigError({
        who,
        argument: "column",
        expected: `one of ${[...this.#filled.keys()].join(", ")}`,
        received: column,
      });
    checkRows(who, [row], this.#length);
    return storage;
  }

  #readable(who: string, column: string, kind: string): ColumnStorage {
    const storage = this.#carried(who, column, kind);
    if (storage.column.filledBy === "seal")
      throw new DataError({
        who,
        argument: `column ${column}`,
        expected: "filled before seal",
        received: "a column that seal fills",
      });
    const flags = this.#filled.get(column);
    if (flags !== undefined) checkFilled(who, this.#columns.storages, new Map([[column, flags]]), this.#length);
    return storage;
  }
}

/**
 * A writer for one step, with its memory taken from `arena` at once.
 *
 * @throws ConfigError for a capacity that is not a whole positive number, an unknown optional column, or a step that does not fit the
 * arena (naming the column).
 */
export function createRolloutWriter(arena: Arena, capacity: StepCapacity): RolloutWriter {
  const who = "createRolloutWriter";
  for (const name of ["rows", "promptTokens", "responseTokens"] as const) {
    const value = capacity[name];
    if (!Number.isInteger(value) || value < 1 || value >= LARGEST_INT32)
      throw new ConfigError({
        who,
        argument: name,
        expected: "a whole number from 1 to 2147483646",
        received: String(value),
      });
  }
  const optional = ROLLOUT_COLUMNS.filter((column) => column.presence === "optional").map((column) => column.name);
  for (const name of capacity.optional ?? []) {
    if (!optional.some((known) => known === name))
      throw new ConfigError({
        who,
        argument: "optional",
        expected: `names among ${optional.join(", ")}`,
        received: String(name),
      });
  }
  return new RolloutWriter(arena, capacity);
}

function checkRoom(who: string, what: string, column: string, needed: number, capacity: number): void {
  if (needed > capacity)
    throw new ShapeError({
      who,
      argument: `column ${column}`,
      expected: `at most ${capacity} ${what} in the step`,
      received: String(needed),
      fix: "Create the writer with a larger capacity",
    });
}
