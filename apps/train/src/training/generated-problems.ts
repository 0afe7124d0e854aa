// How many problems a recipe that makes its own data gets: what it asks for, or all that a level has.

import { problemsAvailable } from "../arithmetic/index.ts";
import type { Level, LevelCounts, Split } from "../arithmetic/index.ts";
import type { EmitEvent } from "../events.ts";
import type { GeneratedData, Recipe } from "../recipe/schema.ts";

export interface ProblemCounts {
  trainPerLevel: LevelCounts;
  heldOutPerLevel: LevelCounts;
  /** Undefined without a cold start. */
  coldStartPerLevel: LevelCounts | undefined;
}

/** Counts the problems of `options`; says which level has fewer than asked for. */
export function countProblems({ seed, cold_start: cold }: Recipe, options: GeneratedData, emit: EmitEvent): ProblemCounts {
  const counts = (split: Split, wanted: number, levels: readonly number[]): LevelCounts =>
    Object.fromEntries(
      (levels as readonly Level[]).map((level) => {
        const available = problemsAvailable(seed, "addition", split, level, wanted);
        if (available < wanted)
          emit({ type: "notice", text: `level ${level} has ${available} ${split} problems, not ${wanted}: all are used` });
        return [level, available];
      }),
    );
  const coldLevels = Object.entries(cold?.levels ?? {})
    .filter(([, weight]) => weight > 0)
    .map(([level]) => Number(level));
  return {
    trainPerLevel: counts("train", options.train_per_level, options.levels),
    heldOutPerLevel: counts("held-out", options.held_out_per_level, options.levels),
    coldStartPerLevel: cold === undefined ? undefined : counts("cold-start", options.cold_start_per_level ?? 0, coldLevels),
  };
}

/** The level of every problem of `counts`. */
export function levelsOf(counts: LevelCounts): number[] {
  return Object.entries(counts).flatMap(([level, count]) => Array.from({ length: count }, () => Number(level)));
}
