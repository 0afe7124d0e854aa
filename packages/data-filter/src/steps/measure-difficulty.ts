// How often a model fails each problem: N answers, graded, counted under its name in extra_info.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { VerifierPool } from "@longcot/verifiers";
import type { Message } from "../prompt-row.ts";
import type { FilterStep, StepContext } from "./filter-step.ts";

/** A model that answers problems; in this process or behind a server. */
export interface Answerer {
  /** The key under which failures are counted in `extra_info.model_difficulty`. */
  readonly name: string;
  /** What its answers hang on beside the problem: sampling, weights. JSON. */
  readonly options: unknown;
  /** `samples` answers to each of `problems`. `row` keys random draws. */
  answer(
    problems: readonly { readonly row: number; readonly messages: readonly Message[] }[],
    samples: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly (readonly { readonly text: string; readonly truncated: boolean }[])[]>;
}

export interface DifficultyOptions {
  readonly answerer: Answerer;
  /** N. Default 16, as the paper for math. */
  readonly rollouts?: number;
  readonly pool: VerifierPool;
}

/** Problems answered before their counts go to disk. */
const BATCH = 64;

/**
 * Counts, for every problem, how many of N answers are wrong, as `extra_info.model_difficulty[name]`; drops nothing. What was counted is on disk
 * after every {@link BATCH} problems, and is not asked again. Source: arXiv 2505.22312 §6.2.
 */
export function measureDifficulty({ answerer, rollouts = 16, pool }: DifficultyOptions): FilterStep {
  return {
    name: "measure-difficulty",
    options: { model: answerer.name, rollouts, ...(answerer.options as object) },
    async run(context) {
      const counts = countsFile(context, { rollouts, model: answerer.name, options: answerer.options });
      const failedOf = counts.read();
      let done = failedOf.size;
      for await (const problems of batches(context, (row) => !failedOf.has(row))) {
        context.signal?.throwIfAborted();
        const asked = problems.map(({ row, prompt }) => ({ row, messages: JSON.parse(prompt!) as Message[] }));
        const answers = await answerer.answer(asked, rollouts, context.signal);
        const verdicts = await pool.grade(
          problems.flatMap(({ row, ability, groundTruth }, i) =>
            answers[i]!.map(({ text, truncated }, sample) => ({
              id: `${row}/${sample}`,
              ability: ability as "math" | "code",
              response: text,
              groundTruth: groundTruth!,
              truncated,
            })),
          ),
        );
        const failed = problems.map(({ row }, i) => ({
          row,
          failed: verdicts.slice(i * rollouts, (i + 1) * rollouts).filter(({ score }) => score === 0).length,
        }));
        counts.append(failed);
        for (const one of failed) failedOf.set(one.row, one.failed);
        done += problems.length;
        context.onProgress?.({ phase: `${rollouts} answers of ${answerer.name}`, done, total: context.count });
      }
      const histogram = Array<number>(rollouts + 1).fill(0);
      for (const failed of failedOf.values()) histogram[failed]!++;
      return {
        dropped: [],
        repaired: [...failedOf].map(([row, failed]) => ({
          row,
          kind: "difficulty-measured",
          detail: `${answerer.name} failed ${failed} of ${rollouts}`,
          extraInfo: { model_difficulty: { [answerer.name]: failed } },
        })),
        facts: { model: answerer.name, rollouts, failed_rollouts: histogram },
      };
    },
  };
}

type Row = { row: number; prompt: string | null; ability: string | null; groundTruth: string | null };

/** Problems that `isWanted`, in order, in batches. */
async function* batches(context: StepContext, isWanted: (row: number) => boolean): AsyncIterable<Row[]> {
  let batch: Row[] = [];
  for await (const problems of context.problems(["row", "prompt", "ability", "groundTruth"])) {
    for (const problem of problems) {
      if (!isWanted(problem.row)) continue;
      batch.push(problem);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** Counts on disk, one JSON line a problem; those of other options, and a half-written last line, are not read. */
function countsFile({ folder }: StepContext, options: object) {
  const path = join(folder, "failed-rollouts.jsonl");
  const head = JSON.stringify(options);
  return {
    read(): Map<number, number> {
      const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
      let isOurs = false;
      const counts = new Map<number, number>();
      for (const line of lines) {
        if (line.startsWith('{"row"')) {
          const { row, failed } = JSON.parse(line) as { row: number; failed: number };
          if (isOurs) counts.set(row, failed);
        } else isOurs = line === head;
      }
      mkdirSync(folder, { recursive: true });
      // A newline first: a half-written line must not swallow the next one.
      if (!isOurs) appendFileSync(path, `${existsSync(path) ? "\n" : ""}${head}\n`);
      return counts;
    },
    append(rows: readonly { row: number; failed: number }[]): void {
      appendFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    },
  };
}
