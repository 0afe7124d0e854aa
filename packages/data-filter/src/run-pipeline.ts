// The pipeline: source files in, steps in order, what is left out. Each step's decisions are on disk before the next one starts.
import { join } from "node:path";
import { planOutput, type MixedSource, type MixOptions } from "./mix.ts";
import type { Progress } from "./pacer.ts";
import type { FilterStep } from "./steps/filter-step.ts";
import { importSources, type Source } from "./store/import-files.ts";
import { openProblemStore, type ProblemStore, type StepCounts } from "./store/problem-store.ts";
import { writeDropped, writeKept } from "./store/write-kept.ts";

export interface PipelineOptions {
  readonly sources: readonly Source[];
  /** In order. A name that occurs twice is two steps. */
  readonly steps: readonly FilterStep[];
  /** How often each problem that is left is written, by its source; absent: once, in the order of the files. */
  readonly mix?: MixOptions;
  /** `.parquet` or `.jsonl`, in verl's schema. */
  readonly output: string;
  /** A parquet file for what was left out: file, row, step, kind, detail, row repeated, statement. Absent: none is written. */
  readonly dropped?: string;
  /** Holds the database that an interrupted run goes on from. */
  readonly folder: string;
  readonly onProgress?: (progress: Progress & { readonly step: string }) => void;
  /** Ends the run after what is being looked at; steps that were done stay done. */
  readonly signal?: AbortSignal;
}

/** A dropped problem, to be read. */
export interface DroppedExample {
  readonly step: string;
  readonly kind: string;
  readonly file: string;
  readonly fileRow: number;
  readonly detail: string;
  readonly statement: string;
}

export interface PipelineResult {
  readonly rowsRead: number;
  /** Problems that are left, times their repeats; 0: no file was written. */
  readonly rowsWritten: number;
  /** Sources as mixed; absent: not mixed. */
  readonly mix?: readonly MixedSource[];
  readonly steps: readonly StepCounts[];
  /** Problems by source, before and after. */
  readonly sources: readonly { readonly source: string; readonly read: number; readonly written: number }[];
  /** A few of each step and kind, the first ones. */
  readonly examples: readonly DroppedExample[];
}

const EXAMPLES_A_KIND = 5;

/**
 * Runs every step that an earlier run of the same options in `folder` has not done, then writes what is left.
 * @throws DataError, ConfigError of the sources and steps; the signal's reason when it is aborted.
 */
export async function runPipeline(options: PipelineOptions): Promise<PipelineResult> {
  const { steps, folder, onProgress, signal } = options;
  const store = await openProblemStore(folder);
  try {
    const report = (step: string) => (progress: Progress) => onProgress?.({ ...progress, step });
    await importSources(store, options.sources, { onProgress: report("import"), signal });
    for (const [i, step] of steps.entries()) {
      const stepOptions = JSON.stringify(step.options);
      if (await store.isDone(i + 1, step.name, stepOptions)) continue;
      signal?.throwIfAborted();
      const result = await step.run({
        count: await store.count(),
        problems: (columns) => store.problems(columns),
        query: async (sql) => (await store.connection.runAndReadAll(sql)).getRowsJS(),
        onProgress: report(step.name),
        ...(signal === undefined ? {} : { signal }),
        folder: join(folder, `${i + 1}-${step.name}`),
      });
      await store.record(i + 1, step.name, stepOptions, result);
    }
    // Steps that the recipe no longer has.
    await store.isDone(steps.length + 1, "", "");
    const mixed = await planOutput(store, options.mix);
    const rowsWritten = await writeKept(store, options.output);
    if (options.dropped !== undefined) await writeDropped(store, options.dropped);
    return { ...(await summarize(store)), rowsWritten, ...(mixed === undefined ? {} : { mix: mixed }) };
  } finally {
    store.close();
  }
}

async function summarize(store: ProblemStore): Promise<Omit<PipelineResult, "rowsWritten">> {
  const rows = async (query: string) => (await store.connection.runAndReadAll(query)).getRowsJS();
  const sources = await rows(
    `SELECT coalesce(data_source, ''), count(*)::INTEGER, count(*) FILTER (row NOT IN (SELECT row FROM dropped))::INTEGER
     FROM problems GROUP BY 1 ORDER BY 1`,
  );
  const examples = await rows(
    `SELECT step, kind, file, file_row, detail, coalesce(statement, prompt, '') FROM dropped JOIN steps USING (position) JOIN problems USING (row)
     QUALIFY row_number() OVER (PARTITION BY position, kind ORDER BY row) <= ${EXAMPLES_A_KIND} ORDER BY position, kind, row`,
  );
  return {
    rowsRead: Number((await rows("SELECT count(*)::INTEGER FROM problems"))[0]![0]),
    steps: await store.stepCounts(),
    sources: (sources as [string, number, number][]).map(([source, read, written]) => ({ source, read, written })),
    examples: (examples as [string, string, string, number, string, string][]).map(([step, kind, file, fileRow, detail, statement]) => ({
      step,
      kind,
      file,
      fileRow,
      detail,
      statement,
    })),
  };
}
