// What steps counted of the problems, as histograms for report and data card.
import type { StepCounts } from "@longcot/data-filter";
import type { FilterRecipe } from "./filter-recipe.ts";

export interface StepHistogram {
  title: string;
  /** What a bar's number counts, such as `failed`. */
  unit: string;
  /** [n]: problems with n. */
  counts: readonly number[];
  /** Whether the step drops problems with n. */
  isDropped: (n: number) => boolean;
}

/** Difficulty by model and votes, in the order of the steps; of a model that is measured and then filtered by, the second alone. */
export function stepHistograms(recipe: FilterRecipe, steps: readonly StepCounts[]): StepHistogram[] {
  return steps.flatMap(({ step, facts }, position): StepHistogram[] => {
    const { failed_rollouts: failed, valid_votes: votes, model } = facts;
    // The store's first step is the import.
    const options = recipe.steps[position - 1];
    if (Array.isArray(failed)) {
      const filtersLater = steps.slice(position + 1).some((later) => later.step === "difficulty" && later.facts["model"] === model);
      if (step !== "difficulty" && filtersLater) return [];
      const band = options?.step === "difficulty" ? { min: options.min ?? 1, max: options.max ?? options.rollouts - 1 } : undefined;
      const isDropped = (n: number): boolean => band !== undefined && (n < band.min || n > band.max);
      return [{ title: `Problems by failed rollouts of ${String(model)}`, unit: "failed", counts: failed as number[], isDropped }];
    }
    if (Array.isArray(votes)) {
      const least = options?.step === "votes" ? options.keep : 0;
      return [{ title: "Problems by valid votes", unit: "valid votes", counts: votes as number[], isDropped: (n) => n < least }];
    }
    return [];
  });
}
