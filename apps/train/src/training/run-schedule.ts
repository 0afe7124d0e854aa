// The stages and steps of a run as they are so far: its recipe's, of which a plateau may end some early; a replay has those of its run.

import type { EmitEvent } from "../events.ts";
import { totalSteps } from "../recipe/load-recipe.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { RunFolder } from "../run/run-folder.ts";
import { placeOf } from "./place-of.ts";
import { settleStages } from "./plateau.ts";
import type { Replay } from "./replay.ts";

export interface RunSchedule {
  /** Steps of all stages. */
  readonly total: number;
  /** Where the step after `done` steps lies. */
  placeAfter(done: number): ReturnType<typeof placeOf>;
  /** Looks at the run's evaluations again, after one was recorded or taken back. */
  settle(): void;
  /** {@link settle}, after the evaluation of `step`; says so where that ends its stage. */
  settleAfter(step: number, emit: EmitEvent): void;
}

export function createRunSchedule(recipe: Recipe, run: RunFolder, replay: Replay | undefined): RunSchedule {
  const soFar = (): Recipe => replay?.schedule ?? settleStages(recipe, run.readEvaluations());
  let settled = soFar();
  return {
    get total() {
      return replay?.steps ?? totalSteps(settled);
    },
    placeAfter: (done) => placeOf(settled, done),
    settle() {
      settled = soFar();
    },
    settleAfter(step, emit) {
      const before = this.total;
      this.settle();
      if (this.total === before) return;
      const { index, stage, draw } = placeOf(settled, step - 1);
      const wait = stage.plateau!.evaluations;
      const why = wait === 1 ? "its last evaluation" : `${wait} evaluations in a row`;
      emit({
        type: "notice",
        text: `stage ${stage.name} ends after ${draw + 1} of ${recipe.stages[index]!.steps} steps: ${why} brought no new best`,
      });
    },
  };
}
