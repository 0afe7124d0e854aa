// Which pages of an arena are taken: a table of one word a page in shared memory, searched and changed under the arena's lock. The
// first page of a taken run holds the run's length; every other word is 0. First fit; freed runs join their free neighbours by themselves.
import { FREE_PAGES, PAGES, SEGMENT_PAGES, TABLE_AT, withLock } from "./arena-control.ts";

/** Smallest piece that an arena gives out. */
export const PAGE_BYTES = 65_536;

/** First page of `count` neighbouring pages of one segment, now taken; undefined when there are no such pages. */
export function takePages(words: Int32Array, count: number): number | undefined {
  return withLock(words, () => {
    const first = findRun(words, (length) => length === count);
    if (first === undefined) return undefined;
    words[TABLE_AT + first.from] = count;
    Atomics.sub(words, FREE_PAGES, count);
    return first.from;
  });
}

/** Gives back the run that begins at `page`. Returns false when none begins there. */
export function givePages(words: Int32Array, page: number): boolean {
  return withLock(words, () => {
    const count = words[TABLE_AT + page]!;
    if (count === 0) return false;
    words[TABLE_AT + page] = 0;
    Atomics.add(words, FREE_PAGES, count);
    return true;
  });
}

/** Pages of the longest free run. */
export function longestFreeRun(words: Int32Array): number {
  return withLock(words, () => {
    let longest = 0;
    findRun(words, (length) => {
      longest = Math.max(longest, length);
      return false;
    });
    return longest;
  });
}

/** The first free run that `isEnough` accepts while it grows page by page; runs end at segments. */
function findRun(words: Int32Array, isEnough: (length: number) => boolean): { from: number } | undefined {
  const pages = words[PAGES]!;
  const segmentPages = words[SEGMENT_PAGES]!;
  for (let page = 0, from = 0; page < pages;) {
    if (page % segmentPages === 0) from = page;
    const taken = words[TABLE_AT + page]!;
    if (taken > 0) {
      page += taken;
      from = page;
    } else {
      page++;
      if (isEnough(page - from)) return { from };
    }
  }
  return undefined;
}
