// How often a model fails each problem: N answers, graded, counted under its name in extra_info.
import { join } from "node:path";
import { isJudged, type VerifierPool } from "@longcot/verifiers";
import type { Message } from "../prompt-row.ts";
import type { Drop, Repair } from "../store/problem-store.ts";
import type { FilterStep, StepContext } from "./filter-step.ts";
import { openResultFile, resultKey } from "./result-file.ts";

/** A model that answers problems; in this process or behind a server. */
export interface Answerer {
  /** The key under which failures are counted in `extra_info.model_difficulty`. */
  readonly name: string;
  /** What its answers hang on beside the problem: sampling, weights. JSON. */
  readonly options: unknown;
  /** Problems that are worth asking together; an interruption can lose as many. Default 64. */
  readonly chunk?: number;
  /** Called before the first question, with every prompt that may be asked. */
  prepare?(prompts: AsyncIterable<readonly Message[]>): Promise<void>;
  /** `samples` answers to each of `problems`. `row` keys random draws. `onProgress` hears how many answers are there. */
  answer(
    problems: readonly { readonly row: number; readonly messages: readonly Message[] }[],
    samples: number,
    options: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (answers: number) => void },
  ): Promise<readonly (readonly { readonly text: string; readonly truncated: boolean }[])[]>;
}

export interface DifficultyOptions {
  readonly answerer: Answerer;
  /** N. Default 16, as the paper for math. */
  readonly rollouts?: number;
  readonly pool: Pick<VerifierPool, "grade">;
  /** A file for the counts, which outlives the pipeline's folder; default: one in the step's folder. */
  readonly store?: string;
}

const CHUNK = 64;

/** What is kept of a problem. */
interface Measured {
  failed: number;
  /** Why a verdict said nothing about its answer. */
  ungradable?: string;
}

/**
 * Counts, for every problem, how many of N answers are wrong, as `extra_info.model_difficulty[name]`. Drops only what the verifier cannot grade
 * (`ungradable`). What was counted is on disk after every chunk of problems, and is not asked again. Source: arXiv 2505.22312 §6.2.
 */
export function measureDifficulty({ answerer, rollouts = 16, pool, store }: DifficultyOptions): FilterStep {
  const options = { model: answerer.name, rollouts, options: answerer.options };
  return {
    name: "measure-difficulty",
    options,
    async run(context) {
      const counts = openResultFile<Measured>(store ?? join(context.folder, "failed-rollouts.jsonl"), options);
      try {
        return await measure(context, { answerer, rollouts, pool }, counts);
      } finally {
        counts.close();
      }
    },
  };
}

async function measure(
  context: StepContext,
  { answerer, rollouts, pool }: Required<Pick<DifficultyOptions, "answerer" | "rollouts" | "pool">>,
  counts: ReturnType<typeof openResultFile<Measured>>,
) {
  const { signal } = context;
  const dropped: Drop[] = [];
  const repaired: Repair[] = [];
  const histogram = Array<number>(rollouts + 1).fill(0);
  const note = (row: number, { failed, ungradable }: Measured): void => {
    if (ungradable !== undefined) {
      dropped.push({ row, kind: "ungradable", detail: ungradable });
      return;
    }
    histogram[failed]!++;
    const detail = `${answerer.name} failed ${failed} of ${rollouts}`;
    repaired.push({ row, kind: "difficulty-measured", detail, extraInfo: { model_difficulty: { [answerer.name]: failed } } });
  };

  const open: Row[] = [];
  for await (const problems of context.problems(["row", "prompt", "ability", "groundTruth"])) {
    for (const { row, prompt, ability, groundTruth } of problems) {
      const key = resultKey(prompt, ability, groundTruth);
      const known = counts.get(key);
      if (known === undefined) open.push({ row, key });
      else note(row, known);
    }
  }
  const total = context.count * rollouts;
  let done = (context.count - open.length) * rollouts;
  const progress = (answers: number): void =>
    context.onProgress?.({ phase: `${answerer.name} answers`, done: Math.min(total, done + answers), total });
  progress(0);
  if (open.length > 0) await answerer.prepare?.(promptsOf(context));

  for await (const chunk of chunksOf(context, new Map(open.map(({ row, key }) => [row, key])), answerer.chunk ?? CHUNK)) {
    signal?.throwIfAborted();
    const answers = await answerer.answer(
      chunk.map(({ row, prompt }) => ({ row, messages: JSON.parse(prompt!) as Message[] })),
      rollouts,
      { signal, onProgress: progress },
    );
    const verdicts = await pool.grade(
      chunk.flatMap(({ row, ability, groundTruth }, i) =>
        answers[i]!.map(({ text, truncated }, sample) => ({
          id: `${row}/${sample}`,
          ability: ability as "math" | "code",
          response: text,
          groundTruth: groundTruth!,
          truncated,
        })),
      ),
      signal === undefined ? {} : { signal },
    );
    const found = chunk.map(({ key }, i): readonly [string, Measured] => {
      const own = verdicts.slice(i * rollouts, (i + 1) * rollouts);
      const unjudged = own.find((verdict) => !isJudged(verdict));
      const failed = own.filter(({ outcome }) => outcome !== "correct").length;
      return [key, unjudged === undefined ? { failed } : { failed, ungradable: unjudged.detail ?? unjudged.outcome }];
    });
    counts.add(found);
    for (const [i, { row }] of chunk.entries()) note(row, found[i]![1]);
    done += chunk.length * rollouts;
    progress(0);
  }
  const byRow = (a: { row: number }, b: { row: number }): number => a.row - b.row;
  return {
    dropped: dropped.toSorted(byRow),
    repaired: repaired.toSorted(byRow),
    facts: { model: answerer.name, rollouts, failed_rollouts: histogram },
  };
}

interface Row {
  row: number;
  key: string;
}

type Problem = Row & { prompt: string | null; ability: string | null; groundTruth: string | null };

/** The problems of `keys` [row → key], in order, in chunks of `size`. */
async function* chunksOf(context: StepContext, keys: ReadonlyMap<number, string>, size: number): AsyncIterable<Problem[]> {
  let chunk: Problem[] = [];
  for await (const problems of context.problems(["row", "prompt", "ability", "groundTruth"])) {
    for (const problem of problems) {
      const key = keys.get(problem.row);
      if (key === undefined) continue;
      chunk.push({ ...problem, key });
      if (chunk.length < size) continue;
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

async function* promptsOf(context: StepContext): AsyncIterable<readonly Message[]> {
  for await (const problems of context.problems(["prompt"])) for (const { prompt } of problems) yield JSON.parse(prompt!) as Message[];
}
