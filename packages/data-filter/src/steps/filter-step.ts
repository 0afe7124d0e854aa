// What a step of the pipeline is: it looks at the kept problems and says which to drop or mend, and why.
import type { Progress } from "../pacer.ts";
import type { StepResult, StoredProblem } from "../store/problem-store.ts";

/** What a step sees. */
export interface StepContext {
  /** Kept problems. */
  readonly count: number;
  /** They, in order, a few thousand at a time. */
  problems<Column extends keyof StoredProblem>(columns: readonly Column[]): AsyncIterable<Pick<StoredProblem, Column>[]>;
  /** The rows of one query over the tables `kept` and `problems`. */
  query(sql: string): Promise<readonly (readonly unknown[])[]>;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  /** A folder for what the step wants to find again after an interruption. */
  readonly folder: string;
}

/** One step. Its `name` and `options` tell whether what an earlier run decided still holds. */
export interface FilterStep {
  readonly name: string;
  /** JSON; files are named with their size and time. */
  readonly options: unknown;
  run(context: StepContext): Promise<StepResult>;
}

/** Calls `visit` with every kept problem, reporting progress. */
export async function forEachProblem<Column extends keyof StoredProblem>(
  context: StepContext,
  phase: string,
  columns: readonly Column[],
  visit: (problem: Pick<StoredProblem, Column>) => void,
): Promise<void> {
  let done = 0;
  for await (const problems of context.problems(columns)) {
    for (const problem of problems) visit(problem);
    done += problems.length;
    context.onProgress?.({ phase, done, total: context.count });
    context.signal?.throwIfAborted();
  }
}
