// A sealed step: immutable columns, read as views of shared memory, as copies, as groups, as Arrow, or as padded batches.
import { ConfigError, LongcotError, ShapeError } from "@longcot/errors";
import { Table, type RecordBatch } from "apache-arrow";
import { COLUMN_ALIGNMENT_BYTES, type ArenaRegion } from "./arena.ts";
import type { ColumnStorage, ColumnStorages } from "./column-storage.ts";
import type { CategoryColumn, ColumnName, PerRowColumn, PerTokenColumn, ValuesOf } from "./column-table.ts";
import { checkRows, copyPaddedRows, copySequenceRows, type PaddedOptions, type SequenceBatch } from "./padded-batch.ts";
import { viewAsRecordBatch } from "./record-batch.ts";
import { toSchemaMetadata, type RolloutMetadata } from "./rollout-metadata.ts";

/** All lists of a column: row i is `values[offsets[i] .. offsets[i + 1])`. */
export interface Ragged<Values> {
  /** [tokens of all rows] */
  values: Values;
  /** int32 [rows + 1], from 0. */
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

/** One row; arrays are views. */
export interface RolloutRow {
  promptId: number;
  sampleIndex: number;
  step: number;
  stage: number;
  weightVersion: number;
  dataSource: string;
  finishReason: string;
  outcome: string;
  reward: number;
  advantage: number;
  promptTokens: Int32Array<ArrayBufferLike>;
  responseTokens: Int32Array<ArrayBufferLike>;
  responseMask: Uint8Array<ArrayBufferLike>;
  rolloutLogProbs: Float32Array<ArrayBufferLike>;
  oldLogProbs: Float32Array<ArrayBufferLike>;
  entropies: Float32Array<ArrayBufferLike>;
  /** Absent when the step carries no `ref_log_probs`. */
  refLogProbs?: Float32Array<ArrayBufferLike>;
  /** Absent when the step carries no `level`. */
  level?: number;
}

/**
 * One sealed step, rows sorted by (prompt_id, sample_index). It comes from {@link RolloutWriter.seal} or `readRolloutFile`.
 * `view*` aliases the step's memory (nobody writes it after seal), `copy*` allocates. Views live until {@link free}.
 */
export class Rollouts {
  /** Number of rows. */
  readonly length: number;
  /** Training step, seed and the caller's own metadata. */
  readonly metadata: RolloutMetadata;
  #storages: ColumnStorages | undefined;
  readonly #region: ArenaRegion | undefined;
  #batch: RecordBatch | undefined;

  /** For the writer and the file reader, which have checked the columns. `region` is the arena room to give back, if any. */
  constructor(storages: ColumnStorages, metadata: RolloutMetadata, region?: ArenaRegion) {
    this.#storages = storages;
    this.#region = region;
    this.metadata = metadata;
    this.length = storages.get("prompt_id")!.values.length;
  }

  /** Prompt tokens of all rows. */
  get promptTokenCount(): number {
    return this.#storage("Rollouts.promptTokenCount", "prompt_tokens").values.length;
  }

  /** Response tokens of all rows. */
  get responseTokenCount(): number {
    return this.#storage("Rollouts.responseTokenCount", "response_tokens").values.length;
  }

  /** Names of the columns that this step carries, in file order. */
  get columns(): ColumnName[] {
    return [...this.#live("Rollouts.columns").keys()] as ColumnName[];
  }

  /** Whether the step carries `column`; false only for an optional one. */
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

  /** As {@link viewPerToken}, newly allocated and unshared. */
  copyPerToken<Name extends PerTokenColumn>(column: Name): Ragged<ValuesOf<Name>> {
    const { values, offsets } = this.#storage("Rollouts.copyPerToken", column, "per-token");
    return { values: values.slice() as ValuesOf<Name>, offsets: offsets!.slice() };
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
   * @throws ShapeError when they are not, which happens only to a file that was read without an arena.
   */
  viewAligned<Name extends ColumnName>(column: Name): ValuesOf<Name> {
    const who = "Rollouts.viewAligned";
    const { values } = this.#storage(who, column);
    if (this.#region === undefined || values.byteOffset % COLUMN_ALIGNMENT_BYTES !== 0) {
      throw new ShapeError({
        who,
        argument: `column ${column}`,
        expected: "at a 64-byte-aligned address of an arena",
        received: "memory of its own at an unknown address",
        fix: "Read the file with { arena }",
      });
    }
    return values as ValuesOf<Name>;
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

  /** Row `row` as a record, its arrays as views. @throws ShapeError unless `row` is a row number. */
  viewRow(row: number): RolloutRow {
    const who = "Rollouts.viewRow";
    checkRows(who, [row], this.length);
    const number = (name: string): number => this.#storage(who, name).values[row]!;
    const text = (name: string): string => this.#storage(who, name).categories![number(name)]!;
    const list = <Name extends PerTokenColumn>(name: Name): ValuesOf<Name> => {
      const { values, offsets } = this.#storage(who, name);
      return values.subarray(offsets![row]!, offsets![row + 1]!) as ValuesOf<Name>;
    };
    return {
      promptId: number("prompt_id"),
      sampleIndex: number("sample_index"),
      step: number("step"),
      stage: number("stage"),
      weightVersion: number("weight_version"),
      dataSource: text("data_source"),
      finishReason: text("finish_reason"),
      outcome: text("outcome"),
      reward: number("reward"),
      advantage: number("advantage"),
      promptTokens: list("prompt_tokens"),
      responseTokens: list("response_tokens"),
      responseMask: list("response_mask"),
      rolloutLogProbs: list("rollout_log_probs"),
      oldLogProbs: list("old_log_probs"),
      entropies: list("entropies"),
      ...(this.has("ref_log_probs") ? { refLogProbs: list("ref_log_probs") } : {}),
      ...(this.has("level") ? { level: number("level") } : {}),
    };
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
    return copyPaddedRows(who, storage, this.#storage(who, "prompt_tokens").offsets!, rows, options) as never;
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
    return copySequenceRows(
      who,
      this.#storage(who, "prompt_tokens"),
      this.#storage(who, "response_tokens"),
      this.#storage(who, "response_mask"),
      rows,
      options,
    );
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
   * Gives the memory back to its arena (a file read without one is left to the garbage collector). After it every method throws; views
   * taken before alias the arena's next step.
   *
   * @throws LongcotError when freed before.
   */
  free(): void {
    this.#live("Rollouts.free");
    this.#storages = undefined;
    this.#batch = undefined;
    this.#region?.free();
  }

  #live(who: string): ColumnStorages {
    if (this.#storages === undefined)
      throw new LongcotError({
        who,
        expected: "rollouts in use",
        received: "rollouts that were freed",
      });
    return this.#storages;
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
