// The frame of long commands whose work is kept as it comes: progress, Ctrl-C that stops where nothing is lost, the exit code.
import { createRowsProgress, type RowsProgress } from "../models/rows-progress.ts";
import { listenForInterrupt } from "./interrupt.ts";

/**
 * Runs `work`; `stopping` is said at the first Ctrl-C.
 * @returns what `work` returned, or undefined where it ended by the signal; the exit code is set then.
 */
export async function runInterruptible<Result>(
  { label, stopping }: { label: string; stopping: string },
  work: (signal: AbortSignal, progress: RowsProgress) => Promise<Result>,
): Promise<Result | undefined> {
  const progress = createRowsProgress(label);
  const interrupt = listenForInterrupt(() => process.stderr.write(`\n${stopping}. Ctrl-C again ends at once\n`));
  try {
    return await work(interrupt.signal, progress);
  } catch (error) {
    if (!interrupt.signal.aborted || error !== interrupt.signal.reason) throw error;
    process.exitCode = interrupt.exitCode();
    return undefined;
  } finally {
    progress.close();
    interrupt.dispose();
  }
}
