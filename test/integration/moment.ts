// A moment of a run that a test can name: so many steps done, in this phase, so much of it done.
import type { Phase, TrainEvent } from "@longcot/train/src/events.ts";

/** Steps done before it, phase, work done of the phase. */
export type Moment = readonly [stepsDone: number, phase: Phase, completed: number];

/** Names the moment of each event of one process, given in order; undefined for an event that is no phase. */
export function momentsOf(): (event: TrainEvent) => Moment | undefined {
  let stepsDone = 0;
  return (event) => {
    if (event.type === "run") stepsDone = event.resumed_from;
    if (event.type === "step") stepsDone = event.step;
    return event.type === "phase" ? [stepsDone, event.phase, event.completed] : undefined;
  };
}

export const isSameMoment = (one: Moment | undefined, other: Moment): boolean => one?.join() === other.join();
