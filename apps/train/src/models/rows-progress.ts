// Progress of a command on stderr: nothing for quick work, then one line that is rewritten, or a line now and then in a log.
import { duration } from "../progress/figures.ts";

const QUIET_MS = 2_000;
const TERMINAL_MS = 200;
const LOG_MS = 10_000;

export interface RowsProgress {
  /** `done` of `total` in a unit that takes about even time; `text` says it in words. Another `phase` starts counting anew. */
  update(progress: { done: number; total: number; text: string; phase?: string }): void;
  /** Clears the line of a terminal. */
  close(): void;
}

/** Progress of the work `label`, from now on. */
export function createRowsProgress(label: string, stream: NodeJS.WriteStream = process.stderr): RowsProgress {
  let start = performance.now();
  /** Done before `start`: by a run that is resumed, or before another phase came between. */
  let before = 0;
  let current: string | undefined;
  let next = start + QUIET_MS;
  let shown = false;
  return {
    update({ done, total, text, phase }) {
      const now = performance.now();
      if (phase !== current) [current, start, before] = [phase, now, done];
      if (now < next || done >= total) return;
      const secondsEach = (now - start) / 1000 / (done - before);
      const left = done === before ? "" : `, about ${duration(secondsEach * (total - done))} left`;
      const line = `${label}: ${text}${left}`;
      stream.write(stream.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
      next = now + (stream.isTTY ? TERMINAL_MS : LOG_MS);
      shown = true;
    },
    close() {
      if (shown && stream.isTTY) stream.write("\r\u001b[K");
    },
  };
}
