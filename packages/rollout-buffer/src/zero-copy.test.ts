// Zero-copy shown by behaviour: native addresses, a native reader, a worker's write, Arrow's buffers.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import koffi from "koffi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SAMPLE_ROWS, sealRows } from "../fixtures/sample-step.ts";
import { createArena } from "./arena.ts";
import { readRolloutFile, writeRolloutFile } from "./rollout-file.ts";
import type { Rollouts } from "./rollouts.ts";

const arena = () => createArena({ budgetBytes: 1 << 20 });

/** Runs `code` in a worker thread on the very memory of `view`; resolves when it has run. */
async function inWorker(view: Float32Array, code: string): Promise<number> {
  const worker = new Worker(
    `const { parentPort, workerData: view } = require("node:worker_threads"); parentPort.postMessage((() => { ${code} })());`,
    { eval: true, workerData: view },
  );
  try {
    return await new Promise<number>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  } finally {
    await worker.terminate();
  }
}

describe("columns of an arena", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rollout-buffer-"));
  });
  afterAll(async () => rm(folder, { recursive: true }));

  async function readBack(): Promise<Rollouts> {
    const path = join(folder, "step-000012.arrow");
    await writeRolloutFile(path, sealRows(arena(), SAMPLE_ROWS, ["ref_log_probs"]));
    return readRolloutFile(path, { arena: arena() });
  }

  async function sealTwo(): Promise<Rollouts> {
    const shared = arena();
    sealRows(shared);
    return sealRows(shared);
  }

  it.each([
    ["a sealed step", async () => sealRows(arena(), SAMPLE_ROWS, ["ref_log_probs"])],
    ["a second step beside the first", sealTwo],
    ["a file read into an arena", readBack],
  ])("have 64-byte-aligned native addresses in %s", async (_, make) => {
    const rollouts = await make();
    const misaligned = rollouts.columns.filter((column) => koffi.address(rollouts.viewAligned(column)) % 64n !== 0n);
    expect(misaligned).toEqual([]);
  });

  it("show a worker's write through another view, through Arrow and to native code, and the other way round", async () => {
    const rollouts = sealRows(arena());
    const view = rollouts.viewAligned("rollout_log_probs");
    const batch = rollouts.viewRecordBatch();
    const address = koffi.address(view);
    expect(await inWorker(view, "view[5] = -0.625; return view.length;")).toBe(6);
    expect(rollouts.viewPerToken("rollout_log_probs").values[5]).toBe(-0.625);
    expect(rollouts.viewRow(2).rolloutLogProbs[1]).toBe(-0.625);
    expect(batch.getChild("rollout_log_probs")!.get(2).get(1)).toBe(-0.625);
    expect(koffi.decode(address, "float", 6)[5]).toBe(-0.625);
    rollouts.viewPerToken("rollout_log_probs").values[4] = -0.375;
    expect(await inWorker(view, "return view[4];")).toBe(-0.375);
    expect(koffi.decode(address, "float", 6)[4]).toBe(-0.375);
  });

  it("are a tensor's own memory: a worker's write is seen through it", async () => {
    await tf.setBackend("cpu");
    const rollouts = sealRows(arena());
    const tensors = rollouts.toTensors(["old_log_probs", "reward"], (values, shape) => tf.tensor(values as unknown as Float32Array, shape));
    expect(tensors.old_log_probs.shape).toEqual([6]);
    expect(await tensors.reward.data()).toBe(rollouts.viewAligned("reward"));
    expect(await inWorker(rollouts.viewAligned("old_log_probs"), "view[3] = -0.0625; return 0;")).toBe(0);
    expect((await tensors.old_log_probs.data())[3]).toBe(-0.0625);
    expect((await tf.add(tensors.old_log_probs, 1).data())[3]).toBe(0.9375);
    expect(() => rollouts.toTensors(["level"], () => 0)).toThrow(/got level/);
  });

  it("are Arrow's own buffers: no number is copied into the batch", () => {
    const rollouts = sealRows(arena());
    const batch = rollouts.viewRecordBatch();
    for (const name of rollouts.columns) {
      const data = batch.getChild(name)!.data[0]!;
      const values = data.children[0]?.values ?? data.values;
      expect(values.buffer).toBe(rollouts.viewAligned(name).buffer);
      expect({ name, at: values.byteOffset }).toEqual({
        name,
        at: rollouts.viewAligned(name).byteOffset,
      });
    }
    expect(rollouts.viewTable().batches[0]).toBe(batch);
  });

  it("are refused where the address is not known", async () => {
    await readBack();
    const rollouts = await readRolloutFile(join(folder, "step-000012.arrow"));
    expect(() => rollouts.viewAligned("reward")).toThrow(
      /column reward must be at a 64-byte-aligned address of an arena, got .* Read the file with \{ arena \}/,
    );
  });
});
