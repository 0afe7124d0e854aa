// A sealed step: immutable columns, read as views of shared memory, as copies, by groups and rows, as Arrow, tensors or padded batches.
import { ConfigError, LongcotError, ShapeError } from "@longcot/errors";
import { Table, type RecordBatch } from "apache-arrow";
import { COLUMN_ALIGNMENT_BYTES, type Arena } from "./arena.ts";
import type { ColumnStorage, ColumnStorages } from "./column-storage.ts";
import type { CategoryColumn, ColumnName, PerRowColumn, PerTokenColumn, ValuesOf } from "./column-table.ts";
import { checkRows, copyPaddedRows, copySequenceRows, type PaddedOptions, type SequenceBatch } from "./padded-batch.ts";
import { viewAsRecordBatch } from "./record-batch.ts";
import { toSchemaMetadata, type RolloutMetadata } from "./rollout-metadata.ts";
import { viewRolloutRow, type RolloutRow } from "./rollout-row.ts";
import { describeStorages, viewDescribed, type StepDescription } from "./step-description.ts";
import { openStepMemory, type StepHandle, type StepMemory } from "./step-memory.ts";

/** All lists of a column: row i is `values[offsets[i] .. offsets[i + 1])`. */
export interface Ragged<Values> {
  /** [tokens of all rows; of a slice: of the step that it was cut from] */
  values: Values;
  /** int32 [rows + 1], from 0, or in a slice from where its first row begins. */
  offsets: Int32Array<ArrayBufferLike>;
}

/** All strings of a column: row i is `categories[codes[i]]`. */
export interface Categories {
  /** int32 [rows] */
  codes: Int32Array<ArrayBufferLike>;
  /** The distinct strings, sorted. */
  categories: readonly string[];
}

/** Rows `from` (included) to `to` (excluded): all samples of one prompt. */
export interface RolloutGroup {
  promptId: number;
  from: number;
  to: number;
}

/** What a step and its slices share: gone once the step is freed. */
interface Lifetime {
  storages: ColumnStorages | undefined;
  readonly memory: StepMemory | undefined;
}

/**
 * One sealed step, rows sorted by (prompt_id, sample_index). It comes from {@link RolloutWriter.seal}, `readRolloutFile` or
 * {@link openRollouts}. `view*` aliases the step's memory (nobody writes it after seal), `copy*` allocates. Views live until {@link free}.
 */
export class Rollouts {
  /** Number of rows. */
  readonly length: number;
  /** Training step, seed and the caller's own metadata. */
  readonly metadata: RolloutMetadata;
  readonly #lifetime: Lifetime;
  /** The columns, when this is a slice of the step. */
  readonly #slice: ColumnStorages | undefined;
  #batch: RecordBatch | undefined;

  /** For the writer and the file reader, which have checked the columns. `memory` is the arena room to give back, if any. */
  constructor(storages: ColumnStorages, metadata: RolloutMetadata, memory?: StepMemory, sliceOf?: Rollouts) {
    this.#lifetime = sliceOf === undefined ? { storages, memory } : sliceOf.#lifetime;
    this.#slice = sliceOf === undefined ? undefined : storages;
    this.metadata = metadata;
    this.length = storages.get("prompt_id")!.values.length;
  }

  /** Prompt tokens of all rows. */
  get promptTokenCount(): number {
    return tokenCount(this.#storage("Rollouts.promptTokenCount", "prompt_tokens"));
  }

  /** Response tokens of all rows. */
  get responseTokenCount(): number {
    return tokenCount(this.#storage("Rollouts.responseTokenCount", "response_tokens"));
  }

  /** Names of the columns that this step carries, in file order. */
  get columns(): ColumnName[] {
    return [...this.#live("Rollouts.columns").keys()] as ColumnName[];
  }

  /** Whether the step carries `column`; false only for an optional or a pending one. */
  has(column: ColumnName): boolean {
    return this.#live("Rollouts.has").has(column);
  }

  /** A per-row column: [rows]. Aliasing: the step's own memory. @throws ConfigError when the step does not carry it as such. */
  viewPerRow<Name extends PerRowColumn>(column: Name): ValuesOf<Name> {
    return this.#storage("Rollouts.viewPerRow", column, "per-row").values as ValuesOf<Name>;
  }

  /** As {@link viewPerRow}, newly allocated and unshared. */
  copyPerRow<Name extends PerRowColumn>(column: Name): ValuesOf<Name> {
    return this.#storage("Rollouts.copyPerRow", column, "per-row").values.slice() as ValuesOf<Name>;
  }

  /** A per-token column, all rows end to end. Aliasing: the step's own memory. @throws ConfigError when the step does not carry it as such. */
  viewPerToken<Name extends PerTokenColumn>(column: Name): Ragged<ValuesOf<Name>> {
    const { values, offsets } = this.#storage("Rollouts.viewPerToken", column, "per-token");
    return { values: values as ValuesOf<Name>, offsets: offsets! };
  }

  /** As {@link viewPerToken}, newly allocated and unshared, the offsets from 0. */
  copyPerToken<Name extends PerTokenColumn>(column: Name): Ragged<ValuesOf<Name>> {
    const { values, offsets } = this.#storage("Rollouts.copyPerToken", column, "per-token");
    const [from, to] = [offsets![0]!, offsets![this.length]!];
    return { values: values.slice(from, to) as ValuesOf<Name>, offsets: Int32Array.from(offsets!, (offset) => offset - from) };
  }

  /** A category column. Aliasing: the codes are the step's own memory. @throws ConfigError when the step does not carry it as such. */
  viewCategories(column: CategoryColumn): Categories {
    const { values, categories } = this.#storage("Rollouts.viewCategories", column, "category");
    return { codes: values as Int32Array, categories: categories! };
  }

  /** The strings of a category column, one a row. */
  copyCategories(column: CategoryColumn): string[] {
    const { values, categories } = this.#storage("Rollouts.copyCategories", column, "category");
    return Array.from(values, (code) => categories![code]!);
  }

  /**
   * The numbers of a column (of all rows end to end when per-token; codes of a category), ready for a tensor to adopt without a
   * copy: shared memory of an arena at a 64-byte-aligned address.
   *
   * @throws ShapeError when they are not: a file that was read without an arena, or a slice that begins elsewhere.
   */
  viewAligned<Name extends ColumnName>(column: Name): ValuesOf<Name> {
    const who = "Rollouts.viewAligned";
    const { values, offsets } = this.#storage(who, column);
    const list = offsets === undefined ? values : values.subarray(offsets[0], offsets[this.length]);
    if (this.#lifetime.memory === undefined || list.byteOffset % COLUMN_ALIGNMENT_BYTES !== 0) {
      throw new ShapeError({
        who,
        argument: `column ${column}`,
        expected: "at a 64-byte-aligned address of an arena",
        received: this.#lifetime.memory === undefined ? "memory of its own at an unknown address" : `byte ${list.byteOffset} of the arena`,
        fix: this.#lifetime.memory === undefined ? "Read the file with { arena }" : "Take the whole step, or copy the slice",
      });
    }
    return list as ValuesOf<Name>;
  }

  /**
   * One tensor for each of `columns`, made by `adopt` from the column's memory, without a copy: flat, [rows] or [tokens]. `adopt` gets
   * shared memory at a 64-byte-aligned address, as {@link viewAligned}; what it returns lives as long as the step. With
   * `(values, shape) => tf.tensor(values, shape)` on tfjs's CPU backend, a write by any thread shows in the tensor.
   *
   * @throws ShapeError as {@link viewAligned}; ConfigError for a column that the step does not carry.
   */
  toTensors<Name extends ColumnName, T>(
    columns: readonly Name[],
    adopt: (values: ValuesOf<Name>, shape: [length: number], column: Name) => T,
  ): Record<Name, T> {
    const entries = columns.map((column) => {
      const values = this.viewAligned(column);
      return [column, adopt(values, [values.length], column)] as const;
    });
    return Object.fromEntries(entries) as Record<Name, T>;
  }

  /** The groups in row order: consecutive rows of one prompt. */
  *groups(): Generator<RolloutGroup> {
    const promptIds = this.viewPerRow("prompt_id");
    for (let from = 0; from < this.length;) {
      const promptId = promptIds[from]!;
      let to = from + 1;
      while (to < this.length && promptIds[to] === promptId) to++;
      yield { promptId, from, to };
      from = to;
    }
  }

  /** The lists of a per-token column, row by row. Aliasing: views of the step's memory. */
  *lists<Name extends PerTokenColumn>(column: Name): Generator<ValuesOf<Name>> {
    const { values, offsets } = this.viewPerToken(column);
    for (let row = 0; row < this.length; row++) yield values.subarray(offsets[row]!, offsets[row + 1]!) as ValuesOf<Name>;
  }

  /** Row `row` as a record, its arrays as views. @throws ShapeError unless `row` is a row number. */
  viewRow(row: number): RolloutRow {
    const who = "Rollouts.viewRow";
    checkRows(who, [row], this.length);
    return viewRolloutRow(this.#live(who), row);
  }

  /**
   * Rows `from` (included) to `to` (excluded) as rollouts of their own. Aliasing: nothing is copied; the slice lives as long as the step
   * that it was cut from, and is freed with it.
   *
   * @throws ShapeError unless 0 ≤ from < to ≤ length.
   */
  slice(from: number, to: number): Rollouts {
    const who = "Rollouts.slice";
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to > this.length || from >= to)
      throw new ShapeError({
        who,
        argument: "from, to",
        expected: `at least one row of 0 to ${this.length - 1}`,
        received: `${from}, ${to}`,
      });
    const storages = new Map<string, ColumnStorage>();
    for (const [name, storage] of this.#live(who)) {
      const { values, offsets } = storage;
      storages.set(
        name,
        offsets === undefined ? { ...storage, values: values.subarray(from, to) } : { ...storage, offsets: offsets.subarray(from, to + 1) },
      );
    }
    return new Rollouts(storages, this.metadata, undefined, this);
  }

  /**
   * The row numbers where `mask` [rows] is 1, as an index for the `copy*` methods: nothing is moved.
   *
   * @throws ShapeError when the mask has another length.
   */
  rowsWhere(mask: ArrayLike<number>): Int32Array<ArrayBuffer> {
    if (mask.length !== this.length)
      throw new ShapeError({ who: "Rollouts.rowsWhere", argument: "mask", expected: `${this.length} long`, received: String(mask.length) });
    const rows = new Int32Array(this.length);
    let count = 0;
    for (let row = 0; row < this.length; row++) if (mask[row] === 1) rows[count++] = row;
    return rows.slice(0, count);
  }

  /**
   * Rows of a per-token column as a rectangle, padded on the right; int32 for tokens, float32 for the others and the mask.
   *
   * Shapes: result [batch, timeSteps], batch = `rows.length`, in the order of `rows` (a row may come twice).
   *
   * @throws ShapeError for a row that does not exist or is longer than `timeSteps`; ConfigError for a column that the step does not carry.
   */
  copyPadded<Name extends PerTokenColumn>(
    column: Name,
    rows: ArrayLike<number>,
    options: PaddedOptions,
  ): ValuesOf<Name> extends Int32Array ? Int32Array<ArrayBuffer> : Float32Array<ArrayBuffer> {
    const who = "Rollouts.copyPadded";
    const storage = this.#storage(who, column, "per-token");
    checkRows(who, rows, this.length);
    return copyPaddedRows(who, storage.column, this.#viewList, rows, options) as never;
  }

  /**
   * Prompt and response of each row side by side, padded on the right with `padToken`, with the response mask at the same positions.
   *
   * Shapes: [batch, timeSteps], batch = `rows.length`.
   *
   * @throws ShapeError for a row that does not exist or does not fit `timeSteps`.
   */
  copySequences(rows: ArrayLike<number>, options: { timeSteps: number; padToken: number }): SequenceBatch {
    const who = "Rollouts.copySequences";
    checkRows(who, rows, this.length);
    return copySequenceRows(who, this.#viewList, rows, options);
  }

  /** The step as one Arrow record batch. Aliasing: its buffers are the step's own memory; only the dictionaries' strings are new. */
  viewRecordBatch(): RecordBatch {
    const storages = this.#live("Rollouts.viewRecordBatch");
    this.#batch ??= viewAsRecordBatch(storages, this.length, toSchemaMetadata(this.metadata));
    return this.#batch;
  }

  /** The step as an Arrow table of one batch. Aliasing: as {@link viewRecordBatch}. */
  viewTable(): Table {
    return new Table([this.viewRecordBatch()]);
  }

  /**
   * This step for another thread that has the same arena: post the handle, or push it to a {@link HandoverQueue}, and call
   * {@link openRollouts} there. Aliasing: no column is copied. Both threads hold the step then, and both free it; the last one gives the
   * memory back. A handle that nobody opens keeps the step for good.
   *
   * @throws ConfigError for a step that lies in no arena, or when the arena has no room for its description (some hundred bytes).
   */
  share(): StepHandle {
    const who = "Rollouts.share";
    const storages = this.#live(who);
    const { memory } = this.#lifetime;
    if (memory === undefined)
      throw new ConfigError({
        who,
        expected: "a step in an arena",
        received: "a file read without one",
        fix: "Read the file with { arena }",
      });
    return memory.share(describeStorages(memory.arena, storages, this.metadata));
  }

  /**
   * Gives the memory back to its arena, once every thread that holds the step has (a file read without an arena is left to the garbage
   * collector). After it every method throws, those of slices too; views taken before alias the arena's next step.
   *
   * @throws LongcotError when freed before, or for a slice.
   */
  free(): void {
    this.#live("Rollouts.free");
    if (this.#slice !== undefined)
      throw new LongcotError({ who: "Rollouts.free", expected: "the step that the slice was cut from", received: "a slice" });
    this.#lifetime.storages = undefined;
    this.#batch = undefined;
    this.#lifetime.memory?.release();
  }

  readonly #viewList = (row: number, column: PerTokenColumn): ValuesOf<PerTokenColumn> => {
    const { values, offsets } = this.#storage("Rollouts", column);
    return values.subarray(offsets![row]!, offsets![row + 1]!);
  };

  #live(who: string): ColumnStorages {
    if (this.#lifetime.storages === undefined)
      throw new LongcotError({
        who,
        expected: "rollouts in use",
        received: "rollouts that were freed",
      });
    return this.#slice ?? this.#lifetime.storages;
  }

  #storage(who: string, name: string, kind?: string): ColumnStorage {
    const storage = this.#live(who).get(name);
    if (storage === undefined || (kind !== undefined && storage.column.kind !== kind)) {
      const names = [...this.#live(who).values()]
        .filter(({ column }) => kind === undefined || column.kind === kind)
        .map(({ column }) => column.name);
      throw new ConfigError({
        who,
        argument: "column",
        expected: `one that this step carries (${names.join(", ")})`,
        received: name,
      });
    }
    return storage;
  }
}

/**
 * The step of a handle that {@link Rollouts.share} made, in this thread. `arena` is the same arena, opened here. Aliasing: no column is copied.
 *
 * @throws LongcotError for a handle that was opened before.
 */
export function openRollouts(arena: Arena, handle: StepHandle): Rollouts {
  const { memory, description } = openStepMemory(arena, handle);
  const { storages, metadata } = viewDescribed(arena, description as StepDescription);
  return new Rollouts(storages, metadata, memory);
}

function tokenCount({ offsets }: ColumnStorage): number {
  return offsets!.at(-1)! - offsets![0]!;
}
