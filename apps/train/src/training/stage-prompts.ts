// The prompts that a stage draws from: those of its levels, less those that the online filter has dropped by then.

import { dropSolvedPrompts } from "@longcot/data-filter";
import type { OnlineFiltered } from "@longcot/data-filter";
import { ConfigError } from "@longcot/errors";
import type { Recipe, Stage } from "../recipe/schema.ts";
import type { PassRateRecord } from "../run/records.ts";
import type { TrainingPrompt } from "./prompts.ts";

export interface StagePrompts extends OnlineFiltered<TrainingPrompt> {
  /** Place of the stage in the recipe, from 0. */
  index: number;
  /** Every prompt of the stage's levels. */
  all: readonly TrainingPrompt[];
  isWanted: (prompt: TrainingPrompt) => boolean;
}

/** The prompts of stage `index` out of `prompts`, by the pass rates of the run so far. */
export function promptsOfStage(
  recipe: Recipe,
  index: number,
  prompts: readonly TrainingPrompt[],
  passRates: readonly PassRateRecord[],
): StagePrompts {
  const stage = recipe.stages[index]!;
  const all = prompts.filter(({ row }) => isOfStage(stage, row.level));
  if (recipe.online_filter === undefined) return { index, all, isWanted: () => true, prompts: all, dropped: 0, stayed: 0 };
  const before = passRates
    .filter((record) => record.stage <= index)
    .map(({ prompt_ids, passed, group_size }) => ({ promptIds: prompt_ids, passed, groupSize: group_size }));
  const filtered = dropSolvedPrompts(all, before, { solvedAt: recipe.online_filter.solved_at, atLeast: stage.batch_size });
  const left = new Set(filtered.prompts);
  return { index, all, isWanted: (prompt) => left.has(prompt), ...filtered };
}

/** @throws ConfigError where a stage has fewer prompts than a step needs; `levels` holds the level of every prompt. */
export function checkStagesHavePrompts(recipe: Recipe, levels: readonly (number | undefined)[]): void {
  for (const [i, stage] of recipe.stages.entries()) {
    const found = levels.filter((level) => isOfStage(stage, level)).length;
    if (found < stage.batch_size) {
      throw new ConfigError({
        who: `recipe ${recipe.name}`,
        argument: `stages.${i}.batch_size`,
        received: String(stage.batch_size),
        expected: `at most ${found}, the number of prompts${stage.levels === undefined ? "" : ` of level ${stage.levels.join(", ")}`} to train on`,
      });
    }
  }
}

function isOfStage({ levels }: Stage, level: number | undefined): boolean {
  return levels === undefined || (level !== undefined && levels.includes(level));
}
