// What progress displays know: the events so far, folded into one record. No clock of its own: times are handed in.
import type { Metrics, PhaseEvent, RunEvent, StageEvent, StepEvent, TrainEvent } from "../events.ts";

export interface ProgressState {
  run: RunEvent | undefined;
  stage: StageEvent | undefined;
  phase: PhaseEvent | undefined;
  /** Seconds at which the current phase began. */
  phaseSince: number;
  step: StepEvent | undefined;
  rewards: number[];
  entropies: number[];
  /** Seconds at which each of the last steps ended, newest last. */
  stepEnds: number[];
}

/** Steps over which the speed behind the ETA is averaged. */
const ETA_WINDOW = 20;

export function emptyState(): ProgressState {
  return { run: undefined, stage: undefined, phase: undefined, phaseSince: 0, step: undefined, rewards: [], entropies: [], stepEnds: [] };
}

/** Folds one event, seen at `now` seconds, into `state`. */
export function foldEvent(state: ProgressState, event: TrainEvent, now: number): void {
  switch (event.type) {
    case "run":
      state.run = event;
      state.stepEnds = [now];
      return;
    case "stage":
      state.stage = event;
      if (state.step === undefined) state.stepEnds = [now];
      return;
    case "phase":
      if (state.phase?.phase !== event.phase) state.phaseSince = now;
      state.phase = event;
      return;
    case "step":
      state.step = event;
      state.stepEnds = [...state.stepEnds, now].slice(-ETA_WINDOW - 1);
      push(state.rewards, event.metrics, "critic/score/mean");
      push(state.entropies, event.metrics, "actor/entropy");
      return;
    case "memory_plan":
    case "evaluation":
    case "notice":
    case "warning":
    case "done":
      return;
  }
}

/** Seconds until the last step at the pace of the last ones; undefined before the first step. */
export function secondsLeft(state: ProgressState): number | undefined {
  const { step, stepEnds } = state;
  if (step === undefined || stepEnds.length < 2) return undefined;
  return ((stepEnds.at(-1)! - stepEnds[0]!) / (stepEnds.length - 1)) * (step.total_steps - step.step);
}

function push(series: number[], metrics: Metrics, name: string): void {
  const value = metrics[name];
  if (value !== undefined) series.push(value);
}
