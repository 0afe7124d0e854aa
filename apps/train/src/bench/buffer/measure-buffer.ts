// `longcot bench buffer`: a step of about 1 GiB written, sealed and handed from its writer's thread to the learner's, against other ways of
// moving the same rows; then stored and read back.
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { createArena, createHandoverQueue, openRollouts, readRolloutFile, stepByteLength, writeRolloutFile } from "@longcot/rollout-buffer";
import type { Arena, Rollouts } from "@longcot/rollout-buffer";
import { timeCalls } from "../bench-job.ts";
import { median } from "../median.ts";
import { timeJson, timePickle, timeStructuredClone } from "./other-ways.ts";
import { shapeOf, TOKEN_COLUMNS } from "./sample-step.ts";
import type { StepShape } from "./sample-step.ts";
import type { WriterThreadData, WrittenStep } from "./writer-thread.ts";

const WRITER = new URL("writer-thread.ts", import.meta.url);
/** Hand-overs are short: many, so that the median is one that nothing disturbed. */
const HANDOVERS = 50;

export interface BufferBenchOptions {
  /** Size of the step's token columns. */
  mebibytes: number;
  repeats: number;
  /** Interpreter that pickles. */
  python: string;
  say: (text: string) => void;
}

/** Yields the figures part by part. The first hand-over is the slowest: it is the one that is reported as `most_ms`. */
export async function* measureBuffer({ mebibytes, repeats, python, say }: BufferBenchOptions): AsyncGenerator<Record<string, unknown>> {
  const shape = shapeOf(mebibytes);
  const arena = createArena({ budgetBytes: stepByteLength({ ...shape, optional: ["ref_log_probs"] }) });
  const { steps, rollouts, handovers } = await handOver(arena, shape, repeats);
  const size = { rows: shape.rows, mib: Math.round(bytesOf(rollouts) / 2 ** 20) };
  yield {
    part: "write_and_seal",
    ...size,
    columns: TOKEN_COLUMNS.length,
    tokens_per_s: median(steps.slice(1).map(({ writeSeconds, sealSeconds }) => shape.responseTokens / (writeSeconds + sealSeconds))),
    untouched_memory_tokens_per_s: shape.responseTokens / (steps[0]!.writeSeconds + steps[0]!.sealSeconds),
    median_of: steps.length - 1,
  };
  const milliseconds = handovers.map((handover) => handover.milliseconds);
  const handoverMs = median(milliseconds);
  yield {
    part: "hand_over",
    ...size,
    ms: handoverMs,
    most_ms: Math.max(...milliseconds),
    most_allocated_kib: Math.max(...handovers.map(({ allocatedBytes }) => allocatedBytes)) / 1024,
    median_of: handovers.length,
  };
  const against = (seconds: number) => ({ seconds, times_hand_over: (seconds * 1000) / handoverMs });
  say("buffer: structured clone");
  yield { part: "structured_clone", ...size, ...against(timeStructuredClone(rollouts)) };
  say("buffer: pickle");
  const pickled = await timePickle(rollouts, python);
  if (typeof pickled === "string") yield { part: "pickle", ...size, left_out: pickled };
  else {
    yield { part: "pickle_arrays", ...size, ...against(pickled.arrays) };
    yield { part: "pickle_lists", ...size, ...against(pickled.lists) };
  }
  say("buffer: JSON");
  yield { part: "json", ...size, ...against(timeJson(rollouts)) };
  say("buffer: file");
  yield { part: "file", ...size, ...(await timeFile(rollouts, arena, repeats)) };
  rollouts.free();
}

interface Handover {
  /** From the writer's call of `share` to every column's view in this thread. */
  milliseconds: number;
  /** Growth of this thread's heap and buffers. */
  allocatedBytes: number;
}

/** Lets a thread write the step, takes it over {@link HANDOVERS} times and keeps the last. */
async function handOver(
  arena: Arena,
  shape: StepShape,
  repeats: number,
): Promise<{ steps: WrittenStep[]; rollouts: Rollouts; handovers: Handover[] }> {
  const queue = createHandoverQueue();
  const data: WriterThreadData = {
    arena: arena.share(),
    queue: queue.buffer,
    shape,
    writes: repeats + 1,
    handovers: HANDOVERS,
    turns: new SharedArrayBuffer(4),
    begun: new SharedArrayBuffer(8 * HANDOVERS),
  };
  const [turns, begun] = [new Int32Array(data.turns), new BigInt64Array(data.begun)];
  const writer = new Worker(WRITER, { workerData: data });
  const [steps] = (await once(writer, "message")) as [WrittenStep[]];
  const handovers: Handover[] = [];
  let rollouts: Rollouts | undefined;
  for (let turn = 0; turn < HANDOVERS; turn++) {
    rollouts?.free();
    const before = process.memoryUsage();
    Atomics.store(turns, 0, turn + 1);
    Atomics.notify(turns, 0);
    const handle = queue.take()!;
    rollouts = openRollouts(arena, handle);
    for (const column of TOKEN_COLUMNS) rollouts.viewPerToken(column);
    const end = process.hrtime.bigint();
    const after = process.memoryUsage();
    handovers.push({
      milliseconds: Number(end - begun[turn]!) / 1e6,
      allocatedBytes: Math.max(0, after.heapUsed + after.external - before.heapUsed - before.external),
    });
  }
  await once(writer, "exit");
  return { steps, rollouts: rollouts!, handovers };
}

const bytesOf = (rollouts: Rollouts): number =>
  TOKEN_COLUMNS.reduce((sum, column) => sum + rollouts.viewPerToken(column).values.byteLength, 0);

/** Writes the step durably, then reads it back, checksum included, while the system still has it in memory. */
async function timeFile(rollouts: Rollouts, arena: Arena, repeats: number): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), "longcot-bench-"));
  try {
    const path = join(folder, "step-000001.arrow");
    const [writeSeconds] = await timeCalls(1, () => writeRolloutFile(path, rollouts));
    const { size } = await stat(path);
    const readSeconds = await timeCalls(repeats, async () => (await readRolloutFile(path, { arena })).free());
    return { write_gb_per_s: size / writeSeconds! / 1e9, read_gb_per_s: size / median(readSeconds) / 1e9, median_of: repeats };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
