// Several threads on one arena: a hunt for torn reads. Every number of a row follows from its key, so a torn row cannot hide.
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { checkRow, END, keyedRow, type HuntJob } from "../fixtures/hunt-rows.ts";
import { SAMPLE_ROWS, sealRows } from "../fixtures/sample-step.ts";
import { createArena, openArena } from "./arena.ts";
import { createHandoverQueue, openHandoverQueue } from "./handover-queue.ts";
import { openRollouts } from "./rollouts.ts";
import { createRolloutWriter, openRolloutWriter } from "./rollout-writer.ts";

/** Starts a thread; `done` has what it posted, or rejects with its error. */
function start<T = undefined>(job: HuntJob): Promise<T> {
  const worker = new Worker(new URL("../fixtures/hunt-worker.ts", import.meta.url), {
    workerData: job,
    execArgv: ["--conditions=longcot-source"],
  });
  return new Promise<T>((resolve, reject) => {
    let result: T;
    worker.on("message", (message: T) => (result = message));
    worker.on("error", reject);
    worker.on("exit", () => resolve(result));
  });
}

describe("threads", () => {
  it("append to one writer at once while another reads: no row is ever seen half-written, none is lost", async () => {
    const arena = createArena({ budgetBytes: 320 * 2 ** 20 });
    const writer = createRolloutWriter(arena);
    const [THREADS, ROWS] = [2, 1500];
    const shared = { arena: arena.share(), writer: writer.share(), gate: new SharedArrayBuffer(4) };
    const watching = start<number>({ role: "watch", ...shared, rows: THREADS * ROWS });
    const appending = Array.from({ length: THREADS }, (_, i) => start({ role: "append", ...shared, from: i * ROWS, rows: ROWS }));
    const [looks] = await Promise.all([watching, ...appending]);
    expect(looks).toBeGreaterThan(0);
    expect(writer.length).toBe(THREADS * ROWS);
    const rollouts = writer.seal({ step: 0, seed: 1 });
    expect([...rollouts.viewPerRow("sample_index")]).toEqual(Array.from({ length: THREADS * ROWS }, (_, i) => i));
    expect([...rollouts.viewPerRow("reward")]).toEqual(Array.from({ length: THREADS * ROWS }, (_, i) => i));
    for (let row = 0; row < rollouts.length; row++) checkRow(rollouts.viewRow(row), 0);
    rollouts.free();
    expect(arena.freeBytes).toBe(arena.budgetBytes);
  });

  it("hand 400 steps over through a small arena that is reused all the time: each arrives whole, once", async () => {
    const arena = createArena({ budgetBytes: 6 * 2 ** 20 });
    const queue = createHandoverQueue({ places: 4 });
    const shared = { arena: arena.share(), queue: queue.buffer };
    const consumers = [1, 2].map(() => start<number[]>({ role: "consume", ...shared }));
    const STEPS = 200;
    await Promise.all(
      [0, 1].map((producer) =>
        start({ role: "produce", ...shared, from: 1 + producer * STEPS, steps: STEPS, leastFreeBytes: 3 * 2 ** 20 }),
      ),
    );
    for (const _ of consumers) while (!queue.push(END)) await new Promise(setImmediate);
    const seen = (await Promise.all(consumers)).flat().toSorted((a, b) => a - b);
    expect(seen).toEqual(Array.from({ length: 2 * STEPS }, (_, i) => i + 1));
    expect(arena.freeBytes).toBe(arena.budgetBytes);
  });
});

describe("HandoverQueue between threads", () => {
  // Both threads spin: on processors that others use too they wait for each other's turns.
  it("gives each of 400,000 handles whole and once, in its thread's order", { timeout: 180_000 }, async () => {
    const queue = createHandoverQueue({ places: 8 });
    const HANDLES = 400_000;
    const shared = { arena: createArena({ budgetBytes: 1 }).share(), queue: queue.buffer };
    const done = start({ role: "push", ...shared, from: 1, handles: HANDLES });
    for (let next = 1; next <= HANDLES;) {
      const handle = next === 1 ? await queue.takeAsync() : queue.poll();
      if (handle === undefined) continue;
      if (handle.address !== next || handle.stamp !== -next) throw new Error(`handle ${next} came as ${JSON.stringify(handle)}`);
      next++;
    }
    await done;
    expect(queue.poll()).toBeUndefined();
  });
});

describe("Rollouts.share", () => {
  const arena = createArena({ budgetBytes: 1 << 20 });

  it("keeps the memory until the last holder lets go, without copying a column", () => {
    const free = arena.freeBytes;
    const mine = sealRows(arena, SAMPLE_ROWS, ["ref_log_probs"]);
    const theirs = openRollouts(openArena(arena.share()), mine.share());
    expect(theirs.metadata).toEqual(mine.metadata);
    expect(theirs.viewTable().toArray().map(String)).toEqual(mine.viewTable().toArray().map(String));
    for (const column of mine.columns) {
      expect(theirs.viewAligned(column).buffer).toBe(mine.viewAligned(column).buffer);
      expect(theirs.viewAligned(column).byteOffset).toBe(mine.viewAligned(column).byteOffset);
    }
    mine.free();
    expect(theirs.viewPerRow("reward")).toEqual(Float32Array.of(4, 7, 7.25));
    expect(arena.freeBytes).toBeLessThan(free);
    theirs.free();
    expect(arena.freeBytes).toBe(free);
  });

  it("refuses a handle that was opened before", () => {
    const rollouts = sealRows(arena);
    const handle = rollouts.share();
    openRollouts(arena, handle).free();
    expect(() => openRollouts(arena, handle)).toThrow(/must be one that nobody opened yet/);
    rollouts.free();
  });
});

describe("a writer opened twice", () => {
  it("is one step, sealed by either", () => {
    const arena = createArena({ budgetBytes: 1 << 20 });
    const one = createRolloutWriter(arena);
    const other = openRolloutWriter(openArena(arena.share()), one.share());
    one.append(keyedRow(1, 0));
    other.append(keyedRow(1, 1));
    expect([one.length, other.length]).toEqual([2, 2]);
    const rollouts = other.seal({ step: 1, seed: 1, pending: ["outcome", "reward", "advantage", "old_log_probs", "entropies"] });
    expect(rollouts.length).toBe(2);
    expect(() => one.append(keyedRow(1, 2))).toThrow(/one that was sealed/);
  });
});

describe("HandoverQueue", () => {
  it("is first in, first out, and says when it is full or empty", async () => {
    const queue = createHandoverQueue({ places: 2 });
    const other = openHandoverQueue(queue.buffer);
    const handles = [1, 2, 3].map((stamp) => ({ address: stamp * 10, stamp }));
    for (let lap = 0; lap < 5; lap++) {
      expect(handles.map((handle) => queue.push(handle))).toEqual([true, true, false]);
      expect([other.poll(), other.take(), other.poll(), other.take(1), await other.takeAsync(1)]).toEqual([
        handles[0],
        handles[1],
        undefined,
        undefined,
        undefined,
      ]);
    }
    const waiting = other.takeAsync();
    queue.push(handles[2]!);
    expect(await waiting).toEqual(handles[2]);
  });

  it.each([0, 1, 3, 1.5, 131_072])("refuses %d places", (places) => {
    expect(() => createHandoverQueue({ places })).toThrow(/a power of two from 2 to 65536/);
  });
});
