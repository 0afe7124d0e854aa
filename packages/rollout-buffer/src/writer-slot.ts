// The shared words of one open writer, and who may do what when: threads enter before they touch the step and leave after; whoever
// seals closes the door, waits until everybody has left, and only then moves or frees a byte.
import { LongcotError } from "@longcot/errors";
import type { Arena } from "./arena.ts";
import { nextStamp, takeWriterSlot, viewWriterSlot, writerSlotIndex } from "./arena-control.ts";

const STATE = 0;
const INSIDE = 1;
export const ROW_COUNT = 2;
export const PROMPT_TOKENS = 3;
export const RESPONSE_TOKENS = 4;
export const BLOCK_LIST = 5;
/** Bits of the optional columns. */
export const OPTIONAL = 6;
export const CHUNKS = 16;

/** STATE is four times the writer's stamp plus one of these; 0 is a slot that nobody has. */
const OPEN = 1;
const CLOSING = 2;

/** A call takes microseconds: whoever is inside longer was killed there. */
const DOOR_PATIENCE_MS = 10_000;

/** A writer on its way to another thread: a plain object for `workerData` or `postMessage`. */
export interface WriterHandle {
  readonly slot: number;
  readonly stamp: number;
}

/** One thread's view of a writer's slot. */
export class WriterSlot {
  readonly words: Int32Array;
  readonly #stamp: number;
  readonly handle: WriterHandle;

  constructor(arena: Arena, { slot, stamp }: WriterHandle) {
    this.words = viewWriterSlot(arena.control, slot);
    this.#stamp = stamp;
    this.handle = { slot, stamp };
  }

  get isOpen(): boolean {
    return Atomics.load(this.words, STATE) === this.#stamp * 4 + OPEN;
  }

  /** Comes in, or throws when the step is closed. Every call is followed by {@link leave}, whatever happens between. */
  enter(who: string): void {
    Atomics.add(this.words, INSIDE, 1);
    if (!this.isOpen) {
      this.leave();
      throw closed(who);
    }
  }

  leave(): void {
    if (Atomics.sub(this.words, INSIDE, 1) === 1 && !this.isOpen) Atomics.notify(this.words, INSIDE);
  }

  /** Closes the door and waits until nobody is inside. @throws LongcotError when it is closed already, or a thread died inside. */
  close(who: string): void {
    if (Atomics.compareExchange(this.words, STATE, this.#stamp * 4 + OPEN, this.#stamp * 4 + CLOSING) !== this.#stamp * 4 + OPEN)
      throw closed(who);
    for (let inside = Atomics.load(this.words, INSIDE); inside !== 0; inside = Atomics.load(this.words, INSIDE)) {
      if (Atomics.wait(this.words, INSIDE, inside, DOOR_PATIENCE_MS) === "timed-out") {
        this.reopen();
        throw new LongcotError({
          who,
          expected: "threads that finish their calls",
          received: `one inside a call for ${DOOR_PATIENCE_MS / 1000} s: it was terminated there`,
          fix: "Generate the step again with a new arena; end threads between calls",
        });
      }
    }
  }

  /** Undoes {@link close}. */
  reopen(): void {
    Atomics.store(this.words, STATE, this.#stamp * 4 + OPEN);
  }

  /** Lets the next writer have the slot. INSIDE stays: a late thread may just be on its way out. */
  release(): void {
    this.words.fill(0, ROW_COUNT);
    Atomics.store(this.words, STATE, 0);
  }
}

/** A slot for a new writer. */
export function openWriterSlot(arena: Arena, optional: number): WriterSlot {
  const stamp = nextStamp(arena.control);
  const words = takeWriterSlot(arena.control, stamp * 4 + OPEN);
  words[OPTIONAL] = optional;
  return new WriterSlot(arena, { slot: writerSlotIndex(arena.control, words), stamp });
}

function closed(who: string): LongcotError {
  return new LongcotError({
    who,
    expected: "a writer that is still open",
    received: "one that was sealed or discarded",
    fix: "Create a writer for the next step",
  });
}
