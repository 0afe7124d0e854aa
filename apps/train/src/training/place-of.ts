// Where in the schedule of a recipe a step lies.
import type { Recipe, Stage } from "../recipe/schema.ts";

/** The stage of the step after `done` steps, and the step's number within it, from 0. */
export function placeOf({ stages }: Recipe, done: number): { index: number; stage: Stage; draw: number } {
  let draw = done;
  const index = stages.findIndex(({ steps }) => {
    if (draw < steps) return true;
    draw -= steps;
    return false;
  });
  return { index, stage: stages[index]!, draw };
}
