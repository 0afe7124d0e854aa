// The table of a writer's rows, one entry each, in chunks that double in size and never move. Threads add rows and read finished ones
// at the same time, without a lock: a row number is taken by compare-and-swap, and a row exists for others once its STATE says so.
import type { Arena } from "./arena.ts";
import { viewColumnValues, type ColumnValues } from "./column-storage.ts";
import type { RolloutColumn } from "./column-table.ts";
import { CELL_WORDS, ENTRY_WORDS, listLength, PROMPT_LENGTH, READY, RESPONSE_LENGTH, SLAB, STATE, type SlabLayout } from "./row-layout.ts";
import type { WriterLane } from "./writer-lane.ts";

/** Rows of the first chunk; chunk k has `FIRST_CHUNK_ROWS * 2^k`. */
const FIRST_CHUNK_ROWS = 64;

/** An entry's words, as whole numbers and as floats. */
export interface RowEntry {
  readonly ints: Int32Array;
  readonly floats: Float32Array;
}

/** All rows of a writer, seen from one thread. */
export class WriterRows {
  readonly #arena: Arena;
  /** The writer's shared words: the number of rows at `countAt`, addresses of chunks plus 1 from `chunksAt`. */
  readonly #slot: Int32Array;
  readonly #countAt: number;
  readonly #chunksAt: number;
  readonly #slab: SlabLayout;
  readonly #chunks: RowEntry[] = [];
  /** Rows known to be ready, from the first on. */
  #ready = 0;

  constructor(arena: Arena, slot: Int32Array, places: { countAt: number; chunksAt: number }, slab: SlabLayout) {
    this.#arena = arena;
    this.#slot = slot;
    this.#countAt = places.countAt;
    this.#chunksAt = places.chunksAt;
    this.#slab = slab;
  }

  /** Rows finished without a gap from the first on: all of them may be read. */
  get length(): number {
    const taken = Atomics.load(this.#slot, this.#countAt);
    while (this.#ready < taken && this.#stateOf(this.#ready) === READY) this.#ready++;
    return this.#ready;
  }

  /** Whether `row` is finished, even where another thread is still appending a row before it. */
  isReady(row: number): boolean {
    return Number.isInteger(row) && row >= 0 && row < Atomics.load(this.#slot, this.#countAt) && this.#stateOf(row) === READY;
  }

  /** The number of a new row; its entry is all zeros. @throws ConfigError when the table has no room. */
  take(lane: WriterLane): number {
    for (let row = Atomics.load(this.#slot, this.#countAt); ; row = Atomics.load(this.#slot, this.#countAt)) {
      this.#ensureChunk(row, lane);
      if (Atomics.compareExchange(this.#slot, this.#countAt, row, row + 1) === row) return row;
    }
  }

  /** The words of a row. Aliasing: the shared memory itself. */
  entry(row: number): RowEntry {
    const { ints, floats } = this.#chunk(row);
    const at = wordOf(row);
    return { ints: ints.subarray(at, at + ENTRY_WORDS), floats: floats.subarray(at, at + ENTRY_WORDS) };
  }

  /** One number of an entry. */
  word(row: number, word: number): number {
    return this.#chunk(row).ints[wordOf(row) + word]!;
  }

  /** A word that other threads may write meanwhile. */
  atomicWord(row: number, word: number): number {
    return Atomics.load(this.#chunk(row).ints, wordOf(row) + word);
  }

  /** A per-row cell. */
  cell(row: number, { name, dtype }: RolloutColumn): number {
    const chunk = this.#chunk(row);
    return (dtype === "float32" ? chunk.floats : chunk.ints)[wordOf(row) + CELL_WORDS.get(name)!]!;
  }

  /** A string cell. */
  text(row: number, { name }: RolloutColumn): string {
    const { buffer, byteOffset } = this.#arena.locate(this.word(row, CELL_WORDS.get(name)!));
    const bytes = new Uint8Array(buffer, byteOffset, this.word(row, CELL_WORDS.get(name)! + 1));
    return new TextDecoder().decode(bytes.slice());
  }

  /** A list cell. Aliasing: the row's slab. */
  viewList(row: number, column: RolloutColumn): ColumnValues {
    const { ints } = this.#chunk(row);
    const at = wordOf(row);
    const [promptLength, responseLength] = [ints[at + PROMPT_LENGTH]!, ints[at + RESPONSE_LENGTH]!];
    const { buffer, byteOffset } = this.#arena.locate(ints[at + SLAB]!);
    const offset = this.#slab.byteOffset(column.name, promptLength, responseLength);
    return viewColumnValues(column, buffer, byteOffset + offset, listLength(column, promptLength, responseLength));
  }

  #stateOf(row: number): number {
    return this.atomicWord(row, STATE);
  }

  #chunk(row: number): RowEntry {
    const k = chunkOf(row);
    return (this.#chunks[k] ??= this.#viewChunk(k, Atomics.load(this.#slot, this.#chunksAt + k) - 1));
  }

  #viewChunk(k: number, address: number): RowEntry {
    const { buffer, byteOffset } = this.#arena.locate(address);
    const words = (FIRST_CHUNK_ROWS << k) * ENTRY_WORDS;
    return { ints: new Int32Array(buffer, byteOffset, words), floats: new Float32Array(buffer, byteOffset, words) };
  }

  /** Threads may make the same chunk at once: one wins, the other's room stays unused until seal. */
  #ensureChunk(row: number, lane: WriterLane): void {
    const k = chunkOf(row);
    if (Atomics.load(this.#slot, this.#chunksAt + k) !== 0) return;
    const byteLength = (FIRST_CHUNK_ROWS << k) * ENTRY_WORDS * 4;
    const address = lane.allocate(byteLength, () => [{ column: "(table of rows)", byteLength }]);
    this.#viewChunk(k, address).ints.fill(0);
    Atomics.compareExchange(this.#slot, this.#chunksAt + k, 0, address + 1);
  }
}

function chunkOf(row: number): number {
  return 31 - Math.clz32(row / FIRST_CHUNK_ROWS + 1);
}

/** First word of a row within its chunk. */
function wordOf(row: number): number {
  return (row - FIRST_CHUNK_ROWS * ((1 << chunkOf(row)) - 1)) * ENTRY_WORDS;
}
