// Shared memory from which every step takes its columns: one shared WebAssembly.Memory, page-aligned, columns 64-byte
// aligned, so that any thread sees them and TensorFlow adopts them without a copy. Single-threaded bookkeeping: one
// thread allocates and frees; the bytes are everybody's.
import { ConfigError, LongcotError } from "@longcot/errors";

// Node's type package leaves the global out.
declare const WebAssembly: {
  Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: SharedArrayBuffer;
  };
};

/** TensorFlow adopts a buffer only at this alignment; Arrow recommends the same. */
export const COLUMN_ALIGNMENT_BYTES = 64;
const PAGE_BYTES = 65_536;
/** A 32-bit WebAssembly.Memory has at most 65,536 pages. */
const LARGEST_BUDGET_BYTES = 65_536 * PAGE_BYTES;

/** One column that wants room. */
export interface ColumnRequest {
  readonly column: string;
  readonly byteLength: number;
}

/** Contiguous room for one step. */
export interface ArenaRegion {
  /** Where each requested column starts in {@link Arena.buffer}; multiples of 64. */
  readonly byteOffsets: readonly number[];
  /** Gives the room back; every view into it then aliases whatever comes next. @throws LongcotError when freed before. */
  free(): void;
}

interface Extent {
  byteOffset: number;
  byteLength: number;
}

/** A fixed budget of shared memory. Make one with {@link createArena}. */
export class Arena {
  readonly buffer: SharedArrayBuffer;
  readonly budgetBytes: number;
  /** Free extents by address; neighbours are always merged. */
  readonly #free: Extent[];

  constructor(buffer: SharedArrayBuffer, budgetBytes: number) {
    this.buffer = buffer;
    this.budgetBytes = budgetBytes;
    this.#free = [{ byteOffset: 0, byteLength: budgetBytes }];
  }

  /** Bytes not taken by any step, possibly in several pieces. */
  get freeBytes(): number {
    return this.#free.reduce((sum, extent) => sum + extent.byteLength, 0);
  }

  /**
   * Room for all `requests` side by side, first fit, each column starting at a multiple of 64. Not cleared: a reused
   * region still holds old bytes.
   *
   * @throws ConfigError naming the first column that would not fit in the largest free piece; nothing is taken then.
   */
  allocate(requests: readonly ColumnRequest[]): ArenaRegion {
    const relative: number[] = [];
    let total = 0;
    for (const { byteLength } of requests) {
      relative.push(total);
      total += Math.ceil(byteLength / COLUMN_ALIGNMENT_BYTES) * COLUMN_ALIGNMENT_BYTES;
    }
    const index = this.#free.findIndex((extent) => extent.byteLength >= total);
    if (index < 0) throw this.#overBudget(requests, relative, total);
    const extent = this.#free[index]!;
    const taken: Extent = { byteOffset: extent.byteOffset, byteLength: total };
    extent.byteOffset += total;
    extent.byteLength -= total;
    if (extent.byteLength === 0) this.#free.splice(index, 1);
    let freed = false;
    return {
      byteOffsets: relative.map((offset) => taken.byteOffset + offset),
      free: () => {
        if (freed)
          throw new LongcotError({
            who: "ArenaRegion.free",
            expected: "a region in use",
            received: "one that was freed before",
          });
        freed = true;
        this.#release(taken);
      },
    };
  }

  #release(extent: Extent): void {
    if (extent.byteLength === 0) return;
    const next = this.#free.findIndex((other) => other.byteOffset > extent.byteOffset);
    this.#free.splice(next < 0 ? this.#free.length : next, 0, extent);
    for (let i = this.#free.length - 1; i > 0; i--) {
      const before = this.#free[i - 1]!;
      const after = this.#free[i]!;
      if (before.byteOffset + before.byteLength === after.byteOffset) {
        before.byteLength += after.byteLength;
        this.#free.splice(i, 1);
      }
    }
  }

  #overBudget(requests: readonly ColumnRequest[], relative: readonly number[], total: number): ConfigError {
    const largest = this.#free.reduce((most, extent) => Math.max(most, extent.byteLength), 0);
    const at = requests.findIndex((request, i) => relative[i]! + request.byteLength > largest);
    const culprit = requests[at < 0 ? requests.length - 1 : at]!;
    return new ConfigError({
      who: "Arena.allocate",
      argument: `column ${culprit.column}`,
      expected: `small enough for the arena (largest free piece ${largest} of ${this.budgetBytes} bytes)`,
      received: `${culprit.byteLength} bytes in a step of ${total}`,
      fix: "Raise budgetBytes, lower the step's capacities, or free finished steps",
    });
  }
}

/**
 * An empty arena of `budgetBytes` (rounded down to a multiple of 64). The operating system commits pages as they are
 * first written, so a generous budget costs nothing until used. The memory never moves: views stay valid until their step is freed.
 *
 * @throws ConfigError when the budget is not a whole number of bytes from 64 to 4 GiB.
 */
export function createArena({ budgetBytes }: { budgetBytes: number }): Arena {
  if (!Number.isSafeInteger(budgetBytes) || budgetBytes < COLUMN_ALIGNMENT_BYTES || budgetBytes > LARGEST_BUDGET_BYTES) {
    throw new ConfigError({
      who: "createArena",
      argument: "budgetBytes",
      expected: `a whole number from ${COLUMN_ALIGNMENT_BYTES} to ${LARGEST_BUDGET_BYTES}`,
      received: String(budgetBytes),
    });
  }
  const pages = Math.ceil(budgetBytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return new Arena(memory.buffer, budgetBytes - (budgetBytes % COLUMN_ALIGNMENT_BYTES));
}
