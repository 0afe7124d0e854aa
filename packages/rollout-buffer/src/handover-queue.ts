// How a step goes from one thread to another without a message: a bounded ring of handles in shared memory, any number of threads on
// both sides. Each place has a turn number: a thread may use the place when its turn has come, and gives it on by raising the number.
// The number is stored after the handle and loaded before it, so nobody sees half of one. (D. Vyukov's bounded queue.)
import { ConfigError } from "@longcot/errors";
import type { StepHandle } from "./step-memory.ts";

const TAIL = 0;
const HEAD = 1;
/** Raised after every push, and waited on. */
const SIGNAL = 2;
const PLACES_AT = 16;
const PLACE_WORDS = 3;

/** A queue of steps between threads. Make one with {@link createHandoverQueue}, pass `buffer` to the others, {@link openHandoverQueue} there. */
export class HandoverQueue {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #places: number;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#places = (this.#words.length - PLACES_AT) / PLACE_WORDS;
  }

  /** Puts a handle at the end; false when every place is taken, and then nothing happened. Never blocks. */
  push(handle: StepHandle): boolean {
    const words = this.#words;
    for (let turn = Atomics.load(words, TAIL); ; turn = Atomics.load(words, TAIL)) {
      const at = this.#placeOf(turn);
      const behind = (Atomics.load(words, at) - turn) | 0;
      if (behind < 0) return false;
      if (behind > 0 || Atomics.compareExchange(words, TAIL, turn, (turn + 1) | 0) !== turn) continue;
      words[at + 1] = handle.address;
      words[at + 2] = handle.stamp;
      Atomics.store(words, at, (turn + 1) | 0);
      Atomics.add(words, SIGNAL, 1);
      Atomics.notify(words, SIGNAL);
      return true;
    }
  }

  /** Takes the first handle; undefined when there is none. Never blocks. */
  poll(): StepHandle | undefined {
    const words = this.#words;
    for (let turn = Atomics.load(words, HEAD); ; turn = Atomics.load(words, HEAD)) {
      const at = this.#placeOf(turn);
      const behind = (Atomics.load(words, at) - (turn + 1)) | 0;
      if (behind < 0) return undefined;
      if (behind > 0 || Atomics.compareExchange(words, HEAD, turn, (turn + 1) | 0) !== turn) continue;
      const handle = { address: words[at + 1]!, stamp: words[at + 2]! };
      Atomics.store(words, at, (turn + this.#places) | 0);
      return handle;
    }
  }

  /** As {@link poll}, but blocks this thread until there is one; undefined after `timeoutMs`. For worker threads. */
  take(timeoutMs = Infinity): StepHandle | undefined {
    for (const end = performance.now() + timeoutMs; ;) {
      const signal = Atomics.load(this.#words, SIGNAL);
      const handle = this.poll();
      const left = end - performance.now();
      if (handle !== undefined || left <= 0) return handle;
      Atomics.wait(this.#words, SIGNAL, signal, left);
    }
  }

  /** As {@link take} without blocking the thread. */
  async takeAsync(timeoutMs = Infinity): Promise<StepHandle | undefined> {
    for (const end = performance.now() + timeoutMs; ;) {
      const signal = Atomics.load(this.#words, SIGNAL);
      const handle = this.poll();
      const left = end - performance.now();
      if (handle !== undefined || left <= 0) return handle;
      await Atomics.waitAsync(this.#words, SIGNAL, signal, left).value;
    }
  }

  #placeOf(turn: number): number {
    return PLACES_AT + ((turn >>> 0) % this.#places) * PLACE_WORDS;
  }
}

/** An empty queue with room for `places` steps. @throws ConfigError unless `places` is a power of two from 2 to 65536. */
export function createHandoverQueue({ places = 16 }: { places?: number } = {}): HandoverQueue {
  if (!Number.isInteger(Math.log2(places)) || places < 2 || places > 65_536)
    throw new ConfigError({
      who: "createHandoverQueue",
      argument: "places",
      expected: "a power of two from 2 to 65536",
      received: String(places),
    });
  const words = new Int32Array(new SharedArrayBuffer((PLACES_AT + places * PLACE_WORDS) * 4));
  for (let i = 0; i < places; i++) words[PLACES_AT + i * PLACE_WORDS] = i;
  return new HandoverQueue(words.buffer);
}

/** The queue of another thread, from its {@link HandoverQueue.buffer}. */
export function openHandoverQueue(buffer: SharedArrayBuffer): HandoverQueue {
  return new HandoverQueue(buffer);
}
