// Problems that a model solves sometimes: never and always teach it nothing.
import { ConfigError } from "@longcot/errors";
import type { Drop } from "../store/problem-store.ts";
import { forEachProblem, type FilterStep } from "./filter-step.ts";

export interface DifficultyBand {
  /** Key of `extra_info.model_difficulty`: failed rollouts of that model. */
  readonly model: string;
  /** N: rollouts. Default 16. */
  readonly rollouts?: number;
  /** Fewest and most failed rollouts that stay. Default 1 and N − 1. */
  readonly min?: number;
  readonly max?: number;
}

/**
 * Drops problems whose stored number of failed rollouts is outside the band, or absent. Source: arXiv 2505.22312 §6.2.
 * @throws ConfigError for a band outside 0…N or none.
 */
export function keepDifficulty({ model, rollouts = 16, min = 1, max = rollouts - 1 }: DifficultyBand): FilterStep {
  if (!(Number.isInteger(min) && Number.isInteger(max) && 0 <= min && min <= max && max <= rollouts))
    throw new ConfigError({
      who: "keepDifficulty",
      argument: "min and max",
      expected: `0 ≤ min ≤ max ≤ ${rollouts}`,
      received: `${min} and ${max}`,
    });
  return {
    name: "difficulty",
    options: { model, rollouts, min, max },
    async run(context) {
      const dropped: Drop[] = [];
      const histogram = Array<number>(rollouts + 1).fill(0);
      await forEachProblem(context, "difficulty", ["row", "extraInfo"], ({ row, extraInfo }) => {
        const failed = (JSON.parse(extraInfo ?? "{}") as { model_difficulty?: Record<string, unknown> | null }).model_difficulty?.[model];
        if (typeof failed !== "number" || !Number.isInteger(failed) || failed < 0 || failed > rollouts) {
          dropped.push({ row, kind: "difficulty-unknown", detail: `no count of 0 to ${rollouts} failed rollouts of ${model}` });
          return;
        }
        histogram[failed]!++;
        if (failed < min) dropped.push({ row, kind: "too-easy", detail: `${model} failed ${failed} of ${rollouts}` });
        if (failed > max) dropped.push({ row, kind: "too-hard", detail: `${model} failed ${failed} of ${rollouts}` });
      });
      return { dropped, facts: { model, rollouts, failed_rollouts: histogram } };
    },
  };
}
