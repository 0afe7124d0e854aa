// The writer of `bench buffer`, in a thread of its own: writes and seals a step a few times, then hands the last one over again and again,
// each time when the learner raises the counter.
import { parentPort, workerData } from "node:worker_threads";
import { openArena, openHandoverQueue } from "@longcot/rollout-buffer";
import type { Rollouts, SharedArena } from "@longcot/rollout-buffer";
import { writeStep } from "./sample-step.ts";
import type { StepShape } from "./sample-step.ts";

export interface WriterThreadData {
  arena: SharedArena;
  queue: SharedArrayBuffer;
  shape: StepShape;
  /** Steps written; the first is on memory that nobody has touched yet. */
  writes: number;
  handovers: number;
  /** Word 0: hand-overs that the learner has asked for. */
  turns: SharedArrayBuffer;
  /** Of each hand-over: when the writer began it, `process.hrtime.bigint()`. */
  begun: SharedArrayBuffer;
}

export interface WrittenStep {
  writeSeconds: number;
  sealSeconds: number;
}

const data = workerData as WriterThreadData;
const arena = openArena(data.arena);
const queue = openHandoverQueue(data.queue);
const steps: WrittenStep[] = [];
let last: Rollouts | undefined;
for (let i = 0; i < data.writes; i++) {
  last?.free();
  const { rollouts, ...seconds } = writeStep(arena, data.shape);
  steps.push(seconds);
  last = rollouts;
}
parentPort!.postMessage(steps);

const turns = new Int32Array(data.turns);
const begun = new BigInt64Array(data.begun);
for (let turn = 0; turn < data.handovers; turn++) {
  Atomics.wait(turns, 0, turn);
  begun[turn] = process.hrtime.bigint();
  queue.push(last!.share());
}
last!.free();
