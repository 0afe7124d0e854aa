// Long loops that let the event loop breathe: timers fire, progress is drawn, an abort is seen.
import { setImmediate } from "node:timers/promises";

/** How far a long piece of work is. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

/** Between two breaths. */
const PAUSE_MS = 50;

/** `tick` after each unit of work: reports and yields every 50 ms, rejects with the signal's reason once it is aborted. */
export function createPacer(onProgress: ((progress: Progress) => void) | undefined, signal: AbortSignal | undefined) {
  let last = performance.now();
  let ticks = 0;
  return {
    async tick(phase: string, done: number, total: number): Promise<void> {
      // A look at the clock costs as much as a short unit of work.
      if (done !== total && (++ticks & 63) !== 0) return;
      if (done !== total && performance.now() - last < PAUSE_MS) return;
      onProgress?.({ phase, done, total });
      await setImmediate();
      signal?.throwIfAborted();
      last = performance.now();
    },
  };
}
