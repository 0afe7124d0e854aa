// Code problems whose reference solution does not pass their own tests: one of the two is broken.
import { join } from "node:path";
import { isJudged, type VerifierPool } from "@longcot/verifiers";
import { LongcotError } from "@longcot/errors";
import type { Drop } from "../store/problem-store.ts";
import type { FilterStep, StepContext } from "./filter-step.ts";
import { openResultFile, resultKey, type ResultFile } from "./result-file.ts";

export interface ProgramCheckOptions {
  /** Runs the programs, confined as it was made to; not asked where no problem has a solution. */
  readonly pool: Pick<VerifierPool, "grade">;
  /** What happens to a code problem without a reference solution; default `keep`, and it is counted. */
  readonly withoutSolution?: "keep" | "drop";
  /** Of several reference solutions, how many are tried until one passes; default 3. */
  readonly candidates?: number;
  /** A file for the verdicts, which outlives the pipeline's folder; default: one in the step's folder. */
  readonly store?: string;
}

interface Checked {
  kind: "passes" | "reference-fails" | "broken-tests";
  detail: string;
}

/** Programs that run before their verdicts go to disk. */
const CHUNK = 64;

/**
 * Drops code problems whose reference solution fails one of its tests (`reference-fails`), or whose tests cannot be run (`broken-tests`). The
 * solution is Python text, in fences or not, or a JSON list of such texts, of which one must pass. Source: arXiv 2505.22312 §6.1.
 * @throws ConfigError where programs cannot be confined as `pool` asks.
 */
export function checkPrograms(options: ProgramCheckOptions): FilterStep {
  const { pool, withoutSolution = "keep", candidates = 3, store } = options;
  return {
    name: "code-tests",
    options: { withoutSolution, candidates },
    async run(context) {
      const results = openResultFile<Checked>(store ?? join(context.folder, "programs.jsonl"), { candidates });
      try {
        return await check(context, results, { pool, withoutSolution, candidates });
      } finally {
        results.close();
      }
    },
  };
}

async function check(
  context: StepContext,
  results: ResultFile<Checked>,
  { pool, withoutSolution, candidates }: Required<Omit<ProgramCheckOptions, "store">>,
) {
  const { signal } = context;
  const dropped: Drop[] = [];
  const seen = { passes: 0, without_solution: 0 };
  const [[code]] = (await context.query("SELECT count(*)::INTEGER FROM kept WHERE ability = 'code'")) as [[number]];
  let done = 0;
  const note = (row: number, { kind, detail }: Checked): void => {
    if (kind === "passes") seen.passes++;
    else dropped.push({ row, kind, detail });
    context.onProgress?.({ phase: "reference solutions", done: ++done, total: code });
  };
  let chunk: Program[] = [];
  for await (const problems of context.problems(["row", "ability", "groundTruth", "solution"])) {
    for (const { row, ability, groundTruth, solution } of problems) {
      if (ability !== "code") continue;
      const programs = programsOf(solution).slice(0, candidates);
      if (programs.length === 0) {
        seen.without_solution++;
        done++;
        if (withoutSolution === "drop") dropped.push({ row, kind: "no-reference", detail: "no reference solution to run the tests with" });
        continue;
      }
      const key = resultKey(groundTruth, solution);
      const known = results.get(key);
      if (known !== undefined) note(row, known);
      else chunk.push({ row, key, groundTruth: groundTruth!, programs });
      if (chunk.length === CHUNK) await run();
    }
  }
  if (chunk.length > 0) await run();
  return { dropped: dropped.toSorted((a, b) => a.row - b.row), facts: seen };

  async function run(): Promise<void> {
    signal?.throwIfAborted();
    const checked = await Promise.all(chunk.map((program) => firstThatPasses(program, pool, signal)));
    results.add(chunk.map(({ key }, i) => [key, checked[i]!]));
    for (const [i, { row }] of chunk.entries()) note(row, checked[i]!);
    chunk = [];
  }
}

interface Program {
  row: number;
  key: string;
  groundTruth: string;
  programs: string[];
}

async function firstThatPasses(
  { row, groundTruth, programs }: Program,
  pool: ProgramCheckOptions["pool"],
  signal: AbortSignal | undefined,
): Promise<Checked> {
  let first: Checked | undefined;
  for (const program of programs) {
    const response = program.includes("```") ? program : `\`\`\`python\n${program}\n\`\`\``;
    const [verdict] = await pool.grade(
      [{ id: String(row), ability: "code", response, groundTruth }],
      signal === undefined ? {} : { signal },
    );
    const { outcome, passed = 0, total = 0, detail } = verdict!;
    if (outcome === "correct") return { kind: "passes", detail: `${passed} of ${total} tests` };
    if (outcome === "invalid_ground_truth") return { kind: "broken-tests", detail: detail ?? "the tests cannot be run" };
    if (!isJudged(verdict!))
      throw new LongcotError({
        who: "checkPrograms",
        argument: `row ${row}`,
        expected: "a verdict on its solution",
        received: detail ?? outcome,
      });
    first ??= { kind: "reference-fails", detail: `${outcome}${detail === undefined ? "" : `, ${detail}`}` };
  }
  return first!;
}

/** The reference solutions in a cell: a text, or a JSON list of texts. */
function programsOf(solution: string | null): string[] {
  if (solution === null || solution.trim() === "") return [];
  if (!solution.trimStart().startsWith("[")) return [solution];
  try {
    const list: unknown = JSON.parse(solution);
    if (Array.isArray(list)) return list.filter((text): text is string => typeof text === "string" && text.trim() !== "");
  } catch {
    // A program that begins with a list.
  }
  return [solution];
}
