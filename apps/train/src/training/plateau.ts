// Where the stages of a run really end: after their steps, or where its evaluations have stopped improving.
import type { Recipe, Stage } from "../recipe/schema.ts";
import type { EvaluationRecord } from "../run/records.ts";

/**
 * `recipe` with the stages that a plateau has ended cut to the steps they had. The evaluations so far are all it goes by, so that a resumed
 * run, and whoever reads a run's folder, finds the same ends.
 *
 * A stage ends at the first of its evaluations where none of the last `plateau.evaluations` has an avg@k over all levels that is more than
 * `plateau.min_gain` above the best one before them, the evaluation at the stage's start included.
 */
export function settleStages(recipe: Recipe, evaluations: readonly EvaluationRecord[]): Recipe {
  let start = 0;
  const stages = recipe.stages.map((stage) => {
    const end = plateauEnd(stage, start, evaluations) ?? start + stage.steps;
    const settled = end === start + stage.steps ? stage : { ...stage, steps: end - start };
    start = end;
    return settled;
  });
  return { ...recipe, stages };
}

function plateauEnd({ plateau, steps }: Stage, start: number, evaluations: readonly EvaluationRecord[]): number | undefined {
  if (plateau === undefined) return undefined;
  const own = evaluations.filter(({ step }) => step >= start && step < start + steps);
  for (let end = plateau.evaluations; end < own.length; end++) {
    const best = Math.max(...own.slice(0, end + 1 - plateau.evaluations).map(accuracy));
    const recent = Math.max(...own.slice(end + 1 - plateau.evaluations, end + 1).map(accuracy));
    if (recent <= best + plateau.min_gain) return own[end]!.step;
  }
  return undefined;
}

function accuracy({ results }: EvaluationRecord): number {
  return results.find(({ level }) => level === "all")!.avg_at_k;
}
