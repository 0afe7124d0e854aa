// The problems of a benchmark as they are asked: from its file or the hub, in its format, within its window.
import { existsSync, globSync } from "node:fs";
import { readProblems, loadPrompts, type PromptRow } from "@longcot/data-filter";
import { ConfigError, DataError } from "@longcot/errors";
import { resolveDataset } from "../filter/resolve-dataset.ts";
import { groupOf } from "../training/prompts.ts";
import type { BenchmarkPlan, Window } from "./benchmarks.ts";
import { readLiveCodeBench } from "./livecodebench.ts";

export interface BenchmarkProblems {
  /** The files that the problems are from. */
  files: string[];
  rows: PromptRow[];
  /** [rows]: the place of each among all problems, which keys its draws. */
  indices: number[];
}

/**
 * The benchmark's problems, at most `perLevel` of each level or source.
 * @param window Instead of the protocol's.
 * @throws ConfigError for a window where problems have no date; DataError for files that cannot be had or read, or no problem in the window.
 */
export async function loadBenchmark(
  plan: BenchmarkPlan,
  { perLevel, window: asked }: { perLevel: number | undefined; window: Window | undefined },
): Promise<BenchmarkProblems> {
  const { path, protocol, name } = plan;
  const found = path === undefined ? await resolveDataset({ split: "test", ...protocol!.hub }) : existsSync(path) ? [path] : globSync(path);
  const files = found.toSorted();
  const window = asked ?? protocol?.window;
  if (asked !== undefined && protocol?.format !== "livecodebench")
    throw new ConfigError({ who: "--window", expected: "used with problems that have a date (livecodebench)", received: name });
  const all =
    protocol?.format === "livecodebench"
      ? await readLiveCodeBench(files, window)
      : (await problemsOf(files, plan)).map((row, index) => ({ row: withSuffix(row, protocol?.suffix), index }));
  if (all.length === 0)
    throw new DataError({ who: files.join(", "), expected: `problems from ${window?.from} to ${window?.to}`, received: "none" });
  const seen = new Map<string, number>();
  const chosen = all.filter(({ row }) => {
    const count = (seen.get(groupOf(row)) ?? 0) + 1;
    seen.set(groupOf(row), count);
    return perLevel === undefined || count <= perLevel;
  });
  return { files, rows: chosen.map(({ row }) => row), indices: chosen.map(({ index }) => index) };
}

/** Under no protocol a file is in verl's schema; a published one may have any columns that are known. */
async function problemsOf(files: string[], { protocol, name }: BenchmarkPlan): Promise<PromptRow[]> {
  return protocol === undefined ? await loadPrompts(files) : await readProblems({ files, dataSource: name });
}

/** `row` with `suffix` behind its statement, unless that says how to answer already. */
function withSuffix(row: PromptRow, suffix: string | undefined): PromptRow {
  const last = row.messages.at(-1)!;
  if (suffix === undefined || last.content.includes("\\boxed")) return row;
  return { ...row, messages: [...row.messages.slice(0, -1), { ...last, content: `${last.content.trimEnd()} ${suffix}` }] };
}
