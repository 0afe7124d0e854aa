// One thread's own part of a step while it is being written: blocks taken from the arena, filled from front to back, never moved. Only
// taking a block is synchronised. All blocks of a writer hang on one list, so that whoever seals can give them back.
import { COLUMN_ALIGNMENT_BYTES, roundUp, type Arena, type ColumnRequest } from "./arena.ts";
import { PAGE_BYTES } from "./arena-pages.ts";

/** Blocks double from one page to this. */
const LARGEST_BLOCK_BYTES = 4 * 2 ** 20;
/** Before a block's first column: the next block on the list. */
const HEADER_BYTES = COLUMN_ALIGNMENT_BYTES;

/** Bump allocation for one thread; `list[listAt]` is the shared head of the writer's list of blocks. */
export class WriterLane {
  readonly #arena: Arena;
  readonly #list: Int32Array;
  readonly #listAt: number;
  #blockBytes = PAGE_BYTES;
  /** The rest of the block, in addresses: units of 64 bytes. */
  #next = 0;
  #end = 0;
  readonly #texts = new Map<string, { address: number; byteLength: number }>();

  constructor(arena: Arena, list: Int32Array, listAt: number) {
    this.#arena = arena;
    this.#list = list;
    this.#listAt = listAt;
  }

  /** Address of room for `requests` one after the other, each at a multiple of 64. @throws ConfigError naming the column that would not fit. */
  allocate(byteLength: number, requests: () => readonly ColumnRequest[]): number {
    const units = Math.ceil(byteLength / COLUMN_ALIGNMENT_BYTES);
    if (this.#next + units > this.#end) this.#takeBlock(byteLength, requests);
    const address = this.#next;
    this.#next += units;
    return address;
  }

  /** Where `text` lies as UTF-8; equal texts of one thread lie in one place. @throws ConfigError naming `column` when there is no room. */
  storeText(column: string, text: string): { address: number; byteLength: number } {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const bytes = new TextEncoder().encode(text);
    const address = this.allocate(bytes.byteLength, () => [{ column, byteLength: bytes.byteLength }]);
    const { buffer, byteOffset } = this.#arena.locate(address);
    new Uint8Array(buffer).set(bytes, byteOffset);
    const stored = { address, byteLength: bytes.byteLength };
    this.#texts.set(text, stored);
    return stored;
  }

  #takeBlock(byteLength: number, requests: () => readonly ColumnRequest[]): void {
    const least = HEADER_BYTES + byteLength;
    const wanted = Math.max(this.#blockBytes, least);
    let bytes = wanted;
    let page = this.#arena.takeRun(wanted);
    if (page === undefined && least < wanted) {
      bytes = least;
      page = this.#arena.takeRun(least);
    }
    if (page === undefined) throw this.#arena.overBudget(requests());
    this.#blockBytes = Math.min(this.#blockBytes * 2, LARGEST_BLOCK_BYTES);
    const address = this.#arena.addressOf(page);
    const { buffer, byteOffset } = this.#arena.locate(address);
    const header = new Int32Array(buffer, byteOffset, 1);
    for (let head = Atomics.load(this.#list, this.#listAt); ;) {
      header[0] = head;
      const found = Atomics.compareExchange(this.#list, this.#listAt, head, page + 1);
      if (found === head) break;
      head = found;
    }
    this.#next = address + HEADER_BYTES / COLUMN_ALIGNMENT_BYTES;
    this.#end = address + roundUp(bytes, PAGE_BYTES) / COLUMN_ALIGNMENT_BYTES;
  }
}

/** Gives back every block on the list, once nobody writes or reads them any more. */
export function giveBlocks(arena: Arena, list: Int32Array, listAt: number): void {
  for (let head = Atomics.exchange(list, listAt, 0); head !== 0;) {
    const page = head - 1;
    const { buffer, byteOffset } = arena.locate(arena.addressOf(page));
    head = new Int32Array(buffer, byteOffset, 1)[0]!;
    arena.giveRun(page);
  }
}
