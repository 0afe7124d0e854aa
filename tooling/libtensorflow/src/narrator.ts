// Tells a person what an installation does: a moving line on a terminal, few plain lines elsewhere.

/** Receives what an installation has to say. */
export interface Narrator {
  /** One finished sentence. */
  say(sentence: string): void;
  /** `done` of `total` bytes of a step. May be called often. */
  progress(step: string, done: number, total: number): void;
}

/** Where a narrator writes: `process.stdout`, or a test's. */
export interface NarratorOutput {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** How often a log that is not a terminal shows progress: installs of a minute get a handful of lines. */
const LOG_INTERVAL_MS = 5000;
const TERMINAL_INTERVAL_MS = 100;
const BAR_CELLS = 24;

/** A narrator for `output`; a terminal that runs in CI counts as a log. */
export function createNarrator(output: NarratorOutput, isCi = process.env.CI !== undefined): Narrator {
  const live = output.isTTY === true && !isCi;
  let currentStep: string | undefined;
  let startMs = 0;
  let startBytes = 0;
  let shownMs = 0;
  let lineIsOpen = false;

  const closeLine = (): void => {
    if (lineIsOpen) output.write("\r\u001B[K");
    lineIsOpen = false;
  };

  return {
    say(sentence) {
      closeLine();
      output.write(`libtensorflow: ${sentence}\n`);
    },
    progress(step, done, total) {
      const nowMs = performance.now();
      if (step !== currentStep) {
        currentStep = step;
        startMs = nowMs;
        startBytes = done;
        shownMs = live ? 0 : nowMs;
      }
      if (nowMs - shownMs < (live ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS)) return;
      shownMs = nowMs;
      const text = progressText(step, done, total, nowMs > startMs ? ((done - startBytes) / (nowMs - startMs)) * 1000 : 0);
      if (live) {
        const cells = Math.round((BAR_CELLS * Math.min(done, total)) / total);
        output.write(`\r\u001B[K${"█".repeat(cells)}${"░".repeat(BAR_CELLS - cells)} ${text}`);
        lineIsOpen = true;
      } else output.write(`libtensorflow: ${text}\n`);
    },
  };
}

/** `download 120 of 274 MB, 43 %, 12.1 MB/s, 13 s left`; without speed while that is 0. */
export function progressText(step: string, done: number, total: number, bytesPerSecond: number): string {
  const parts = [`${step} ${megabytes(done)} of ${megabytes(total)} MB`, `${Math.floor((100 * Math.min(done, total)) / total)} %`];
  if (bytesPerSecond > 0) {
    parts.push(`${(bytesPerSecond / 1e6).toFixed(1)} MB/s`, `${Math.ceil(Math.max(0, total - done) / bytesPerSecond)} s left`);
  }
  return parts.join(", ");
}

/** Bytes as whole megabytes (10⁶), as pip and package indexes count them. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
