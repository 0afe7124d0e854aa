// The writer of a step: rows appended in any order, from any thread, as they finish; graded, scored, then sealed into immutable Rollouts.
import { ConfigError, DataError, ShapeError } from "@longcot/errors";
import { checkAppendedRow, checkClass, checkLength, checkName, LARGEST_INT32, type AppendedRow } from "./appended-row.ts";
import type { Arena } from "./arena.ts";
import {
  findColumn,
  ROLLOUT_COLUMNS,
  type CategoryColumn,
  type OptionalColumn,
  type PerRowColumn,
  type PerTokenColumn,
  type RolloutColumn,
  type SettableColumn,
  type ValuesOf,
} from "./column-table.ts";
import { checkRows, copyPaddedRows, copySequenceRows, type PaddedOptions, type SequenceBatch } from "./padded-batch.ts";
import { checkMetadata } from "./rollout-metadata.ts";
import { Rollouts } from "./rollouts.ts";
import { CELL_WORDS, FILLED, FILLED_BITS, PROMPT_LENGTH, READY, RESPONSE_LENGTH, SLAB, SlabLayout, STATE } from "./row-layout.ts";
import { checkFilled, checkUniqueRows, copyRowOrder, sealRows } from "./seal-rows.ts";
import { StepMemory } from "./step-memory.ts";
import { giveBlocks, WriterLane } from "./writer-lane.ts";
import { WriterRows } from "./writer-rows.ts";
import {
  BLOCK_LIST,
  CHUNKS,
  openWriterSlot,
  OPTIONAL,
  PROMPT_TOKENS,
  RESPONSE_TOKENS,
  ROW_COUNT,
  WriterSlot,
  type WriterHandle,
} from "./writer-slot.ts";

/** What seal records beside the rows. */
export interface SealOptions {
  step: number;
  seed: number;
  /** The caller's own string pairs for the file's metadata. */
  metadata?: Readonly<Record<string, string>>;
  /**
   * Columns that this step leaves out because they are not known yet, set in no row, for example
   * `["outcome", "reward", "advantage", "old_log_probs", "entropies"]` right after generation. Default: none.
   */
  pending?: readonly SettableColumn[];
}

type SettablePerRow = SettableColumn & PerRowColumn;
type SettableCategory = SettableColumn & CategoryColumn;
type SettablePerToken = SettableColumn & PerTokenColumn;

const OPTIONAL_COLUMNS = ROLLOUT_COLUMNS.filter((column) => column.presence === "optional").map((column) => column.name as OptionalColumn);

/**
 * Fills one step. Make it with {@link createRolloutWriter}, open it in other threads with {@link openRolloutWriter}. Rows are numbered in
 * the order of appending until seal sorts them; a row is never seen half-written. Set each cell once: a cell that is set again while
 * another thread reads it may be read torn.
 */
export class RolloutWriter {
  readonly #arena: Arena;
  readonly #slot: WriterSlot;
  readonly #columns: ReadonlyMap<string, RolloutColumn>;
  readonly #slab: SlabLayout;
  readonly #lane: WriterLane;
  readonly #rows: WriterRows;

  /** For createRolloutWriter and openRolloutWriter. */
  constructor(arena: Arena, slot: WriterSlot) {
    const optional = slot.words[OPTIONAL]!;
    const columns = ROLLOUT_COLUMNS.filter(
      ({ name, presence }) => presence !== "optional" || (optional & (1 << OPTIONAL_COLUMNS.indexOf(name as OptionalColumn))) !== 0,
    );
    this.#arena = arena;
    this.#slot = slot;
    this.#columns = new Map(columns.map((column) => [column.name, column]));
    this.#slab = new SlabLayout(columns);
    this.#lane = new WriterLane(arena, slot.words, BLOCK_LIST);
    this.#rows = new WriterRows(arena, slot.words, { countAt: ROW_COUNT, chunksAt: CHUNKS }, this.#slab);
  }

  /** Finished rows: 0 to `length - 1` may be read. Grows while other threads append; 0 after seal. */
  get length(): number {
    return this.isOpen ? this.#rows.length : 0;
  }

  /** Response tokens of the rows so far, those included that are just being appended. */
  get responseTokenCount(): number {
    return Atomics.load(this.#slot.words, RESPONSE_TOKENS);
  }

  /** Whether the step still takes rows. What was read from a view before this returns true was read whole. */
  get isOpen(): boolean {
    return this.#slot.isOpen;
  }

  /** This writer for another thread, which calls {@link openRolloutWriter}. */
  share(): WriterHandle {
    return this.#slot.handle;
  }

  /**
   * Adds a finished response and returns its row number, valid until {@link seal}. Copies the arrays. Any thread, at any time.
   *
   * @throws ShapeError when lengths disagree, an array has another class, or the step would exceed 2^31 − 2 tokens; DataError for a
   * value outside its column's range; ConfigError naming the column that does not fit the arena; LongcotError after seal. Nothing is
   * added then.
   */
  append(row: AppendedRow): number {
    const who = "RolloutWriter.append";
    checkAppendedRow(who, row, this.#columns.has("level"));
    return this.#inside(who, () => {
      const { promptTokens, responseTokens, rolloutLogProbs, responseMask } = row;
      const lengths = [promptTokens.length, responseTokens.length] as const;
      const slab = this.#lane.allocate(this.#slab.byteLength(...lengths), () => this.#slab.requests(...lengths));
      this.#count(who, "prompt_tokens", PROMPT_TOKENS, promptTokens.length);
      this.#count(who, "response_tokens", RESPONSE_TOKENS, responseTokens.length);
      const [dataSource, finishReason] = (["dataSource", "finishReason"] as const).map((key) => this.#lane.storeText(key, row[key]));
      const index = this.#rows.take(this.#lane);
      const { ints } = this.#rows.entry(index);
      ints[SLAB] = slab;
      ints[PROMPT_LENGTH] = promptTokens.length;
      ints[RESPONSE_LENGTH] = responseTokens.length;
      ints[CELL_WORDS.get("prompt_id")!] = row.promptId;
      ints[CELL_WORDS.get("sample_index")!] = row.sampleIndex;
      ints[CELL_WORDS.get("stage")!] = row.stage;
      ints[CELL_WORDS.get("weight_version")!] = row.weightVersion;
      ints[CELL_WORDS.get("level")!] = row.level ?? 0;
      ints.set([dataSource!.address, dataSource!.byteLength], CELL_WORDS.get("data_source")!);
      ints.set([finishReason!.address, finishReason!.byteLength], CELL_WORDS.get("finish_reason")!);
      this.#list(index, "prompt_tokens").set(promptTokens);
      this.#list(index, "response_tokens").set(responseTokens);
      this.#list(index, "rollout_log_probs").set(rolloutLogProbs);
      if (responseMask === undefined) this.#list(index, "response_mask").fill(1);
      else this.#list(index, "response_mask").set(responseMask);
      Atomics.store(ints, STATE, READY);
      return index;
    });
  }

  /** Sets `reward` or `advantage` of a row; a second call replaces the first. @throws ShapeError for a row not appended; LongcotError after seal. */
  setPerRow(column: SettablePerRow, row: number, value: number): void {
    const who = "RolloutWriter.setPerRow";
    this.#inside(who, () => {
      this.#settable(who, column, "per-row", row);
      const { ints, floats } = this.#rows.entry(row);
      floats[CELL_WORDS.get(column)!] = value;
      Atomics.or(ints, FILLED, FILLED_BITS.get(column)!);
    });
  }

  /** Sets `outcome` of a row; a second call replaces the first. @throws DataError for an empty string; ShapeError for a row not appended; LongcotError after seal. */
  setCategory(column: SettableCategory, row: number, value: string): void {
    const who = "RolloutWriter.setCategory";
    checkName(who, column, value);
    this.#inside(who, () => {
      this.#settable(who, column, "category", row);
      const { address, byteLength } = this.#lane.storeText(column, value);
      const { ints } = this.#rows.entry(row);
      ints.set([address, byteLength], CELL_WORDS.get(column)!);
      Atomics.or(ints, FILLED, FILLED_BITS.get(column)!);
    });
  }

  /**
   * Sets a response column of a row, for example `old_log_probs`; copies `values` [response tokens of the row], f32.
   *
   * @throws ShapeError naming row and column for another length or class, or a row not appended; ConfigError for an optional column
   * that this step does not carry; LongcotError after seal.
   */
  setPerToken(column: SettablePerToken, row: number, values: Float32Array): void {
    const who = "RolloutWriter.setPerToken";
    this.#inside(who, () => {
      this.#settable(who, column, "per-token", row);
      checkClass(who, `column ${column} of row ${row}`, values, Float32Array);
      const list = this.#list(row, column);
      checkLength(who, `column ${column} of row ${row}`, values.length, list.length);
      list.set(values);
      Atomics.or(this.#rows.entry(row).ints, FILLED, FILLED_BITS.get(column)!);
    });
  }

  /** Whether `column` of a row is filled: at once for what `append` gives, once set for the others. Then its bytes are whole. */
  isFilled(column: SettableColumn, row: number): boolean {
    const who = "RolloutWriter.isFilled";
    return this.#inside(who, () => {
      this.#checkRow(who, row);
      return (this.#rows.atomicWord(row, FILLED) & FILLED_BITS.get(column)!) !== 0;
    });
  }

  /**
   * Row numbers by (prompt_id, sample_index): int32 [rows], newly allocated. Score in this order, and floating-point results do not
   * depend on which response finished first.
   */
  copySortedRows(): Int32Array<ArrayBuffer> {
    return this.#inside("RolloutWriter.copySortedRows", () => copyRowOrder(this.#rows, this.#rows.length));
  }

  /** A per-row column of the rows so far, newly allocated: [rows], for example `reward` for the advantages. @throws DataError when a row lacks it. */
  copyPerRow<Name extends PerRowColumn>(column: Name): ValuesOf<Name> {
    const who = "RolloutWriter.copyPerRow";
    return this.#inside(who, () => {
      const rows = this.#rows.length;
      const found = this.#readable(who, column, "per-row", Array.from({ length: rows }).keys());
      const values = found.dtype === "float32" ? new Float32Array(rows) : new Int32Array(rows);
      for (let row = 0; row < rows; row++) values[row] = this.#rows.cell(row, found);
      return values as ValuesOf<Name>;
    });
  }

  /** The string of a category column in a row. @throws DataError when the row lacks it; ShapeError for a row not appended. */
  readCategory(column: CategoryColumn, row: number): string {
    const who = "RolloutWriter.readCategory";
    return this.#inside(who, () => {
      this.#checkRow(who, row);
      return this.#rows.text(row, this.#readable(who, column, "category", [row]));
    });
  }

  /**
   * A row's list of a per-token column. Aliasing: a view of the arena, good until seal; a thread that does not seal itself checks
   * {@link isOpen} after reading. @throws DataError when the row lacks it; ShapeError for a row not appended.
   */
  viewRowTokens<Name extends PerTokenColumn>(column: Name, row: number): ValuesOf<Name> {
    const who = "RolloutWriter.viewRowTokens";
    return this.#inside(who, () => {
      this.#checkRow(who, row);
      return this.#rows.viewList(row, this.#readable(who, column, "per-token", [row])) as ValuesOf<Name>;
    });
  }

  /** As {@link Rollouts.copyPadded}, before seal, by the writer's row numbers. @throws DataError when a row lacks the column; ShapeError as there. */
  copyPadded<Name extends PerTokenColumn>(
    column: Name,
    rows: ArrayLike<number>,
    options: PaddedOptions,
  ): ValuesOf<Name> extends Int32Array ? Int32Array<ArrayBuffer> : Float32Array<ArrayBuffer> {
    const who = "RolloutWriter.copyPadded";
    return this.#inside(who, () => {
      checkRows(who, rows, this.#rows.length);
      const found = this.#readable(who, column, "per-token", Array.from(rows));
      return copyPaddedRows(who, found, this.#viewList, rows, options) as never;
    });
  }

  /** As {@link Rollouts.copySequences}, before seal, by the writer's row numbers. @throws ShapeError as there. */
  copySequences(rows: ArrayLike<number>, options: { timeSteps: number; padToken: number }): SequenceBatch {
    const who = "RolloutWriter.copySequences";
    return this.#inside(who, () => {
      checkRows(who, rows, this.#rows.length);
      return copySequenceRows(who, this.#viewList, rows, options);
    });
  }

  /**
   * Sorts the rows by (prompt_id, sample_index) and hands them over; after it every call of this writer throws, in every thread. Waits
   * for calls that other threads are in, and gives back the memory of the unsealed rows. The same rows give the same bytes in
   * whatever order they were appended, by whatever threads. A refusal changes nothing: mend the row and seal again.
   *
   * @throws DataError for no rows, a missing cell, a cell of a pending column, or a repeated (prompt_id, sample_index); NumericError for a
   * NaN or an infinity; all name row and column. ConfigError for bad metadata or when the sealed columns do not fit the arena (naming
   * the column); LongcotError after seal.
   */
  seal({ step, seed, metadata, pending = [] }: SealOptions): Rollouts {
    const who = "RolloutWriter.seal";
    const identity = checkMetadata(who, { step, seed, custom: metadata });
    for (const name of pending) {
      if (!FILLED_BITS.has(name))
        throw new ConfigError({ who, argument: "pending", expected: `names among ${[...FILLED_BITS.keys()].join(", ")}`, received: name });
    }
    this.#slot.close(who);
    try {
      const rows = this.#rows.length;
      if (rows === 0) throw new DataError({ who, expected: "at least one row", received: "none" });
      const columns = [...this.#columns.values()].filter(({ name }) => !(pending as readonly string[]).includes(name));
      const order = copyRowOrder(this.#rows, rows);
      checkUniqueRows(who, this.#rows, order);
      checkFilled(who, this.#rows, rows, [...this.#columns.values()], pending);
      const { storages, region } = sealRows(who, this.#arena, this.#rows, columns, order, step);
      this.#release();
      return new Rollouts(storages, identity, new StepMemory(this.#arena, region));
    } catch (error) {
      this.#slot.reopen();
      throw error;
    }
  }

  /** Gives up the step and returns its memory to the arena. @throws LongcotError after seal: then the Rollouts own it. */
  discard(): void {
    this.#slot.close("RolloutWriter.discard");
    this.#release();
  }

  #release(): void {
    giveBlocks(this.#arena, this.#slot.words, BLOCK_LIST);
    this.#slot.release();
  }

  /** Runs `work` while nobody can seal. */
  #inside<T>(who: string, work: () => T): T {
    this.#slot.enter(who);
    try {
      return work();
    } finally {
      this.#slot.leave();
    }
  }

  #list(row: number, name: string): ValuesOf<PerTokenColumn> {
    return this.#rows.viewList(row, this.#columns.get(name)!);
  }

  readonly #viewList = (row: number, column: PerTokenColumn): ValuesOf<PerTokenColumn> => this.#list(row, column);

  /** Adds to a count of tokens; offsets are int32. */
  #count(who: string, column: string, word: number, tokens: number): void {
    const before = Atomics.add(this.#slot.words, word, tokens);
    if (before + tokens < LARGEST_INT32) return;
    Atomics.sub(this.#slot.words, word, tokens);
    throw new ShapeError({
      who,
      argument: `column ${column}`,
      expected: `at most ${LARGEST_INT32 - 1} tokens in the step`,
      received: String(before + tokens),
      fix: "Seal this step and start another",
    });
  }

  /** A carried column of `kind`. */
  #carried(who: string, name: string, kind: string): RolloutColumn {
    const column = this.#columns.get(name);
    if (column === undefined || column.kind !== kind) {
      const names = [...this.#columns.values()].filter((other) => other.kind === kind).map((other) => other.name);
      throw new ConfigError({ who, argument: "column", expected: `one of ${names.join(", ")}`, received: name });
    }
    return column;
  }

  /** @throws ShapeError unless `row` is finished: perhaps before rows of other threads with lower numbers are. */
  #checkRow(who: string, row: number): void {
    if (!this.#rows.isReady(row)) checkRows(who, [row], Math.min(this.#rows.length, row));
  }

  #settable(who: string, name: string, kind: string, row: number): void {
    if (this.#carried(who, name, kind).filledBy !== "set")
      throw new ConfigError({ who, argument: "column", expected: `one of ${[...FILLED_BITS.keys()].join(", ")}`, received: name });
    this.#checkRow(who, row);
  }

  #readable(who: string, name: string, kind: string, rows: Iterable<number>): RolloutColumn {
    const column = this.#carried(who, name, kind);
    if (column.filledBy === "seal")
      throw new DataError({ who, argument: `column ${name}`, expected: "filled before seal", received: "a column that seal fills" });
    if (column.filledBy === "set") for (const row of rows) checkFilled(who, this.#rows, row + 1, [column], [], row);
    return column;
  }
}

/**
 * A writer for one step; it takes memory from `arena` as rows come, at 64-byte-aligned addresses, and never moves any.
 * `optional` names the optional columns that every row will have.
 *
 * @throws ConfigError for an unknown optional column; LongcotError when 64 writers are open already.
 */
export function createRolloutWriter(arena: Arena, { optional = [] }: { optional?: readonly OptionalColumn[] } = {}): RolloutWriter {
  let bits = 0;
  for (const name of optional) {
    if (findColumn(name)?.presence !== "optional")
      throw new ConfigError({
        who: "createRolloutWriter",
        argument: "optional",
        expected: `names among ${OPTIONAL_COLUMNS.join(", ")}`,
        received: String(name),
      });
    bits |= 1 << OPTIONAL_COLUMNS.indexOf(name);
  }
  return new RolloutWriter(arena, openWriterSlot(arena, bits));
}

/** The writer of another thread, from what its {@link RolloutWriter.share} returned. `arena` is the same arena, opened here. */
export function openRolloutWriter(arena: Arena, handle: WriterHandle): RolloutWriter {
  return new RolloutWriter(arena, new WriterSlot(arena, handle));
}
