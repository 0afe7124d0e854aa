// The few shared words by which threads agree on an arena: a lock for taking and giving pages, one slot for each open writer, one
// for each step that several threads hold. Every word is read and written through Atomics; the bytes of columns never are.
import { LongcotError } from "@longcot/errors";

const LOCK = 0;
const STAMP = 1;
/** Word that counts the pages nobody has. */
export const FREE_PAGES = 2;
/** Words that say how the page table lies: pages in all, pages of a segment. */
export const PAGES = 3;
export const SEGMENT_PAGES = 4;

const WRITERS_AT = 16;
/** Words of a writer's slot; what they mean is in writer-slot.ts. */
export const WRITER_WORDS = 64;
const MOST_WRITERS = 64;
const STEPS_AT = WRITERS_AT + WRITER_WORDS * MOST_WRITERS;
const STEP_WORDS = 2;
const MOST_SHARED_STEPS = 2048;
/** Where the page table begins: one word a page. */
export const TABLE_AT = STEPS_AT + STEP_WORDS * MOST_SHARED_STEPS;

/** A critical section is some hundred instructions: a lock held longer belongs to a thread that was killed inside. */
const LOCK_PATIENCE_MS = 10_000;

/** Runs `work` while no other thread does. @throws LongcotError when a thread died holding the lock. */
export function withLock<T>(words: Int32Array, work: () => T): T {
  while (Atomics.compareExchange(words, LOCK, 0, 1) !== 0) {
    if (Atomics.wait(words, LOCK, 1, LOCK_PATIENCE_MS) === "timed-out")
      throw new LongcotError({
        who: "Arena",
        expected: "a lock that is held for microseconds",
        received: `one held for ${LOCK_PATIENCE_MS / 1000} s: a thread was terminated while it took memory`,
        fix: "Create a new arena; end threads between calls, not inside them",
      });
  }
  try {
    return work();
  } finally {
    Atomics.store(words, LOCK, 0);
    Atomics.notify(words, LOCK, 1);
  }
}

/** A number above 0 that no writer or handle of this arena had before. */
export function nextStamp(words: Int32Array): number {
  return Atomics.add(words, STAMP, 1) + 1;
}

/** The slot of a new writer, its first word set to `state`. @throws LongcotError when too many writers are open. */
export function takeWriterSlot(words: Int32Array, state: number): Int32Array {
  for (let i = 0; i < MOST_WRITERS; i++) {
    const at = WRITERS_AT + i * WRITER_WORDS;
    if (Atomics.compareExchange(words, at, 0, state) === 0) return viewWriterSlot(words, i);
  }
  throw new LongcotError({
    who: "createRolloutWriter",
    expected: `at most ${MOST_WRITERS} open writers in an arena`,
    received: "one more",
    fix: "Seal or discard writers that are done",
  });
}

/** Slot `index` of the writers. */
export function viewWriterSlot(words: Int32Array, index: number): Int32Array {
  return words.subarray(WRITERS_AT + index * WRITER_WORDS, WRITERS_AT + (index + 1) * WRITER_WORDS);
}

/** The place of `slot` among the writers' slots. */
export function writerSlotIndex(words: Int32Array, slot: Int32Array): number {
  return ((slot.byteOffset - words.byteOffset) / 4 - WRITERS_AT) / WRITER_WORDS;
}

/** Index of the word that counts the holders of a step, set to `holders`. @throws LongcotError when too many steps are shared. */
export function takeHolderCount(words: Int32Array, holders: number): number {
  for (let i = 0; i < MOST_SHARED_STEPS; i++) {
    const at = STEPS_AT + i * STEP_WORDS;
    if (Atomics.compareExchange(words, at, 0, holders) === 0) return at;
  }
  throw new LongcotError({
    who: "Rollouts.share",
    expected: `at most ${MOST_SHARED_STEPS} steps shared at a time`,
    received: "one more",
    fix: "Free steps in every thread that opened them",
  });
}
