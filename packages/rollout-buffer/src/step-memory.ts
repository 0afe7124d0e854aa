// Who holds a sealed step's memory: one holder in the thread that made it, one more for each time it was shared. The last to let go
// gives the memory back. The description that travels lies in the arena too, so that a hand-over is two numbers.
import { LongcotError } from "@longcot/errors";
import { COLUMN_ALIGNMENT_BYTES, type Arena, type ArenaRegion } from "./arena.ts";
import { nextStamp, takeHolderCount } from "./arena-control.ts";
import { PAGE_BYTES } from "./arena-pages.ts";

/** A step on its way to another thread: a plain object for `postMessage`, or two numbers for a {@link HandoverQueue}. Opened once. */
export interface StepHandle {
  readonly address: number;
  readonly stamp: number;
}

/** Words before the description: stamp, its bytes. */
const STAMP = 0;
const BYTE_LENGTH = 1;
const HEADER_BYTES = 64;

/** One thread's hold on a step in an arena. */
export class StepMemory {
  readonly arena: Arena;
  readonly #region: ArenaRegion;
  /** Word that counts holders; undefined as long as this thread is the only one. */
  #holders: number | undefined;

  constructor(arena: Arena, region: ArenaRegion, holders?: number) {
    this.arena = arena;
    this.#region = region;
    this.#holders = holders;
  }

  /** Lets go; the last holder gives the memory back. */
  release(): void {
    if (this.#holders === undefined || Atomics.sub(this.arena.control, this.#holders, 1) === 1) this.#region.free();
  }

  /** Takes a hold for the thread that will open the handle, and writes `description` for it. @throws ConfigError when the arena is full. */
  share(description: unknown): StepHandle {
    const { arena } = this;
    const bytes = new TextEncoder().encode(JSON.stringify({ description, runs: this.#region.runs, holders: this.#holdOnceMore() }));
    const page = arena.takeRun(HEADER_BYTES + bytes.byteLength);
    if (page === undefined) {
      Atomics.sub(arena.control, this.#holders!, 1);
      throw arena.overBudget([{ column: "(description of a shared step)", byteLength: HEADER_BYTES + bytes.byteLength }]);
    }
    const address = arena.addressOf(page);
    const { buffer, byteOffset } = arena.locate(address);
    new Uint8Array(buffer).set(bytes, byteOffset + HEADER_BYTES);
    const header = new Int32Array(buffer, byteOffset, 2);
    const stamp = nextStamp(arena.control);
    header[BYTE_LENGTH] = bytes.byteLength;
    Atomics.store(header, STAMP, stamp);
    return { address, stamp };
  }

  #holdOnceMore(): number {
    const { control } = this.arena;
    if (this.#holders === undefined) this.#holders = takeHolderCount(control, 2);
    else Atomics.add(control, this.#holders, 1);
    return this.#holders;
  }
}

/** The hold that a handle carries, and the description. @throws LongcotError for a handle that was opened before. */
export function openStepMemory(arena: Arena, { address, stamp }: StepHandle): { memory: StepMemory; description: unknown } {
  const { buffer, byteOffset } = arena.locate(address);
  const header = new Int32Array(buffer, byteOffset, 2);
  if (Atomics.compareExchange(header, STAMP, stamp, 0) !== stamp)
    throw new LongcotError({
      who: "openRollouts",
      argument: "handle",
      expected: "one that nobody opened yet, of this arena",
      received: "another",
      fix: "Call Rollouts.share once for each thread",
    });
  const bytes = new Uint8Array(buffer, byteOffset + HEADER_BYTES, header[BYTE_LENGTH]!).slice();
  arena.giveRun(Math.floor((address * COLUMN_ALIGNMENT_BYTES) / PAGE_BYTES));
  const { description, runs, holders } = JSON.parse(new TextDecoder().decode(bytes)) as {
    description: unknown;
    runs: number[];
    holders: number;
  };
  return { memory: new StepMemory(arena, arena.adoptRegion(runs, []), holders), description };
}
