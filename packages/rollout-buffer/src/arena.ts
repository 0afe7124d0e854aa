// Shared memory from which every step takes its columns: segments of shared WebAssembly.Memory, page-aligned, columns 64-byte aligned,
// so that any thread sees them and TensorFlow adopts them without a copy. Segments never move or grow, so views stay valid until their
// step is freed. Any thread may take and give back.
import { ConfigError, LongcotError } from "@longcot/errors";
import { FREE_PAGES, PAGES, SEGMENT_PAGES, TABLE_AT } from "./arena-control.ts";
import { givePages, longestFreeRun, PAGE_BYTES, takePages } from "./arena-pages.ts";

// Node's type package leaves the global out.
declare const WebAssembly: {
  Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: SharedArrayBuffer;
  };
};

/** TensorFlow adopts a buffer only at this alignment; Arrow recommends the same. Addresses count in it. */
export const COLUMN_ALIGNMENT_BYTES = 64;
/** A 32-bit WebAssembly.Memory has at most 65,536 pages. */
const LARGEST_SEGMENT_BYTES = 65_536 * PAGE_BYTES;
/** Each segment reserves some 10 GiB of addresses, of which a process has 128 TiB; a 32-bit address counts 64 bytes. */
const LARGEST_BUDGET_BYTES = 2 ** 37;

/** One column that wants room. */
export interface ColumnRequest {
  readonly column: string;
  readonly byteLength: number;
}

/** Where a column lies. */
export interface ColumnSpan {
  readonly buffer: SharedArrayBuffer;
  /** A multiple of 64. */
  readonly byteOffset: number;
}

/** Room for one step. */
export interface ArenaRegion {
  /** Where each requested column lies. */
  readonly spans: readonly ColumnSpan[];
  /** First pages of the runs that it takes. */
  readonly runs: readonly number[];
  /** Gives the room back; every view into it then aliases whatever comes next. @throws LongcotError when freed before. */
  free(): void;
}

/** What another thread needs to {@link openArena}: a plain object for `workerData` or `postMessage`. */
export interface SharedArena {
  readonly segments: readonly SharedArrayBuffer[];
  readonly control: SharedArrayBuffer;
}

/** A budget of shared memory. Make one with {@link createArena}; take it to another thread with {@link Arena.share}. */
export class Arena {
  /** The shared words of arena-control.ts. */
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly segments: readonly SharedArrayBuffer[];
  readonly #segmentBytes: number;

  constructor({ segments, control }: SharedArena) {
    this.segments = segments;
    this.control = new Int32Array(control);
    this.#segmentBytes = this.control[SEGMENT_PAGES]! * PAGE_BYTES;
  }

  /** Bytes that all steps together may take. */
  get budgetBytes(): number {
    return this.control[PAGES]! * PAGE_BYTES;
  }

  /** Bytes not taken, possibly in several pieces. */
  get freeBytes(): number {
    return Atomics.load(this.control, FREE_PAGES) * PAGE_BYTES;
  }

  /** The same memory for another thread, by {@link openArena}. Aliasing: nothing is copied. */
  share(): SharedArena {
    return { segments: this.segments, control: this.control.buffer };
  }

  /**
   * Room for all `requests`, side by side where one segment has it, each column starting at a multiple of 64 and lying in one segment.
   * Not cleared: a reused region still holds old bytes.
   *
   * @throws ConfigError naming the first column that would not fit; nothing is taken then.
   */
  allocate(requests: readonly ColumnRequest[]): ArenaRegion {
    const runs: number[] = [];
    const spans: ColumnSpan[] = [];
    for (let from = 0; from < requests.length;) {
      let [to, bytes] = [from, 0];
      const offsets: number[] = [];
      for (; to < requests.length; to++) {
        const end = bytes + requests[to]!.byteLength;
        if (end > this.#segmentBytes && to > from) break;
        offsets.push(bytes);
        bytes = roundUp(end, COLUMN_ALIGNMENT_BYTES);
      }
      const page = this.takeRun(bytes);
      if (page === undefined) {
        const culprit = this.#firstTooLarge(requests.slice(from, to));
        for (const run of runs) givePages(this.control, run);
        throw this.overBudget(requests, culprit);
      }
      runs.push(page);
      spans.push(...offsets.map((offset) => this.locate((page * PAGE_BYTES + offset) / COLUMN_ALIGNMENT_BYTES)));
      from = to;
    }
    return this.adoptRegion(runs, spans);
  }

  /** The region of runs that {@link allocate} gave, perhaps in another thread. */
  adoptRegion(runs: readonly number[], spans: readonly ColumnSpan[]): ArenaRegion {
    let isFreed = false;
    return {
      spans,
      runs,
      free: () => {
        if (isFreed)
          throw new LongcotError({ who: "ArenaRegion.free", expected: "a region in use", received: "one that was freed before" });
        isFreed = true;
        for (const run of runs) this.giveRun(run);
      },
    };
  }

  /** First page of a run of at least `byteLength` bytes, now taken; undefined when there is none. */
  takeRun(byteLength: number): number | undefined {
    return byteLength > this.#segmentBytes ? undefined : takePages(this.control, Math.max(1, Math.ceil(byteLength / PAGE_BYTES)));
  }

  /** Gives a run back. @throws LongcotError when no run begins at `page`. */
  giveRun(page: number): void {
    if (!givePages(this.control, page))
      throw new LongcotError({ who: "Arena", expected: "internal: a run that is taken", received: `page ${page}, which is free` });
  }

  /** Address of a page, in units of 64 bytes. */
  addressOf(page: number): number {
    return (page * PAGE_BYTES) / COLUMN_ALIGNMENT_BYTES;
  }

  /** Where `address`, in units of 64 bytes, lies. */
  locate(address: number): ColumnSpan {
    const byte = address * COLUMN_ALIGNMENT_BYTES;
    return { buffer: this.segments[Math.floor(byte / this.#segmentBytes)]!, byteOffset: byte % this.#segmentBytes };
  }

  /** The error for `requests` that found no room, of which `culprit` is the first column that would not fit. */
  overBudget(requests: readonly ColumnRequest[], culprit: ColumnRequest = this.#firstTooLarge(requests)): ConfigError {
    const largest = longestFreeRun(this.control) * PAGE_BYTES;
    const total = requests.reduce((sum, { byteLength }) => sum + roundUp(byteLength, COLUMN_ALIGNMENT_BYTES), 0);
    return new ConfigError({
      who: "Arena.allocate",
      argument: `column ${culprit.column}`,
      expected: `small enough for the arena (largest free piece ${largest} of ${this.budgetBytes} bytes)`,
      received: `${culprit.byteLength} bytes in a step of ${total}`,
      fix: "Raise budgetBytes, or free finished steps",
    });
  }

  /** The first of `requests` that does not fit the largest free piece behind those before it. */
  #firstTooLarge(requests: readonly ColumnRequest[]): ColumnRequest {
    const largest = longestFreeRun(this.control) * PAGE_BYTES;
    let end = 0;
    const culprit = requests.find(({ byteLength }) => {
      const isOver = end + byteLength > largest;
      end += roundUp(byteLength, COLUMN_ALIGNMENT_BYTES);
      return isOver;
    });
    return culprit ?? requests.at(-1)!;
  }
}

/** The next multiple of `unit`. */
export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/**
 * An empty arena of `budgetBytes`, rounded up to pages of 64 KiB, in segments of `segmentBytes` (4 GiB): a column lies in one segment, a
 * step may take several. The operating system commits memory as it is first written, so a generous budget costs nothing until used.
 *
 * @throws ConfigError when the budget is not a whole number of bytes up to 128 GiB, or a segment not one from 64 KiB to 4 GiB.
 */
export function createArena({ budgetBytes, segmentBytes = LARGEST_SEGMENT_BYTES }: { budgetBytes: number; segmentBytes?: number }): Arena {
  checkBytes("budgetBytes", budgetBytes, 1, LARGEST_BUDGET_BYTES);
  checkBytes("segmentBytes", segmentBytes, PAGE_BYTES, LARGEST_SEGMENT_BYTES);
  const pages = Math.ceil(budgetBytes / PAGE_BYTES);
  const segmentPages = Math.min(pages, Math.floor(segmentBytes / PAGE_BYTES));
  const segments: SharedArrayBuffer[] = [];
  for (let left = pages; left > 0; left -= segmentPages) {
    const initial = Math.min(left, segmentPages);
    segments.push(new WebAssembly.Memory({ initial, maximum: initial, shared: true }).buffer);
  }
  const control = new Int32Array(new SharedArrayBuffer((TABLE_AT + pages) * 4));
  control[FREE_PAGES] = pages;
  control[PAGES] = pages;
  control[SEGMENT_PAGES] = segmentPages;
  return new Arena({ segments, control: control.buffer });
}

/** The arena of another thread, from what its {@link Arena.share} returned. */
export function openArena(shared: SharedArena): Arena {
  return new Arena(shared);
}

function checkBytes(argument: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw new ConfigError({
      who: "createArena",
      argument,
      expected: `a whole number from ${least} to ${most}`,
      received: String(value),
    });
}
