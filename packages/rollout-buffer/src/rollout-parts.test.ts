// Parts and sums of steps: slices, filters, chunks. Nothing is copied, which the buffers prove.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rolloutRows } from "../fixtures/rollout-rows.ts";
import { SAMPLE_ROWS, sampleRow, sealRows } from "../fixtures/sample-step.ts";
import { createArena } from "./arena.ts";
import { concatRollouts } from "./rollout-chunks.ts";
import { readRolloutFile, writeRolloutFile } from "./rollout-file.ts";

const arena = () => createArena({ budgetBytes: 1 << 20 });

describe("Rollouts.slice", () => {
  it("is the rows of the step, in its memory", () => {
    const step = sealRows(arena());
    const slice = step.slice(1, 3);
    expect(slice.length).toBe(2);
    expect([slice.promptTokenCount, slice.responseTokenCount]).toEqual([6, 6]);
    expect([0, 1].map((row) => slice.viewRow(row))).toEqual([1, 2].map((row) => step.viewRow(row)));
    expect([...slice.groups()]).toEqual([{ promptId: 7, from: 0, to: 2 }]);
    expect([...slice.lists("response_tokens")]).toEqual([Int32Array.of(12, 13, 14, 15), Int32Array.of(10, 11)]);
    expect(slice.copyPadded("response_tokens", [1], { timeSteps: 3, pad: 0 })).toEqual(Int32Array.of(10, 11, 0));
    expect(slice.copyPerToken("response_tokens").offsets).toEqual(Int32Array.of(0, 4, 6));
    for (const column of ["reward", "prompt_id"] as const) expect(slice.viewPerRow(column).buffer).toBe(step.viewPerRow(column).buffer);
    expect(slice.viewPerToken("entropies").values.buffer).toBe(step.viewPerToken("entropies").values.buffer);
    step.viewPerRow("reward")[2] = 5;
    expect(slice.viewPerRow("reward")[1]).toBe(5);
  });

  it("becomes a file and an Arrow table of its own rows only", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rollout-buffer-"));
    try {
      const slice = sealRows(arena()).slice(1, 2);
      expect(slice.viewTable().toArray().map(String)).toHaveLength(1);
      await writeRolloutFile(join(folder, "slice.arrow"), slice);
      const read = await readRolloutFile(join(folder, "slice.arrow"));
      expect([read.length, read.responseTokenCount]).toEqual([1, 4]);
      expect(read.viewRow(0)).toEqual(slice.viewRow(0));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("ends with its step, and cannot free it", () => {
    const step = sealRows(arena());
    const slice = step.slice(0, 1);
    expect(() => slice.free()).toThrow(/expected the step that the slice was cut from, got a slice/);
    step.free();
    expect(() => slice.viewRow(0)).toThrow(/freed/);
  });

  it.each([
    [0, 0],
    [2, 1],
    [-1, 2],
    [0, 4],
    [0.5, 2],
  ])("refuses rows %d to %d", (from, to) => {
    expect(() => sealRows(arena()).slice(from, to)).toThrow(/must be at least one row of 0 to 2/);
  });

  it("of a slice is the slice of the step, whatever the cuts", () => {
    fc.assert(
      fc.property(rolloutRows, fc.array(fc.nat(19), { minLength: 4, maxLength: 4 }), (rows, cuts) => {
        const step = sealRows(arena(), rows);
        const [a, b] = cuts.slice(0, 2).map((cut) => cut % rows.length);
        const [from, to] = [Math.min(a!, b!), Math.max(a!, b!) + 1];
        const [c, d] = cuts.slice(2).map((cut) => cut % (to - from));
        const [innerFrom, innerTo] = [Math.min(c!, d!), Math.max(c!, d!) + 1];
        const inner = step.slice(from, to).slice(innerFrom, innerTo);
        expect(inner.length).toBe(innerTo - innerFrom);
        for (let row = 0; row < inner.length; row++) expect(inner.viewRow(row)).toEqual(step.viewRow(from + innerFrom + row));
      }),
      { seed: 8, numRuns: 40 },
    );
  });
});

describe("Rollouts.rowsWhere", () => {
  it("gives the rows of a mask as an index for copies", () => {
    const step = sealRows(arena());
    const rows = step.rowsWhere(step.viewPerRow("reward").map((reward) => (reward > 5 ? 1 : 0)));
    expect(rows).toEqual(Int32Array.of(1, 2));
    expect(step.copySequences(rows, { timeSteps: 7, padToken: 0 }).promptLengths).toEqual(Int32Array.of(3, 3));
    expect(step.rowsWhere([0, 0, 0])).toEqual(new Int32Array(0));
    expect(() => step.rowsWhere([1])).toThrow(/mask must be 3 long, got 1/);
  });
});

describe("concatRollouts", () => {
  const one = sealRows(arena());
  const two = sealRows(arena(), [sampleRow(9, 0, [5], [6, 7]), sampleRow(4, 1, [8, 9], [1])]);
  const chunks = concatRollouts([one, two.slice(0, 1), two]);

  it("numbers rows through, each chunk where it was", () => {
    expect(chunks.length).toBe(6);
    expect([0, 2, 3, 4, 5].map((row) => chunks.locate(row))).toEqual([
      { chunk: 0, row: 0 },
      { chunk: 0, row: 2 },
      { chunk: 1, row: 0 },
      { chunk: 2, row: 0 },
      { chunk: 2, row: 1 },
    ]);
    expect(chunks.viewRow(5)).toEqual(two.viewRow(1));
    expect(chunks.viewRow(3).promptTokens.buffer).toBe(two.viewPerToken("prompt_tokens").values.buffer);
    expect(() => chunks.viewRow(6)).toThrow(/row number from 0 to 5/);
  });

  it("iterates, pads and tabulates over all of them", () => {
    expect([...chunks.groups()]).toEqual([
      { promptId: 4, from: 0, to: 1 },
      { promptId: 7, from: 1, to: 3 },
      { promptId: 4, from: 3, to: 4 },
      { promptId: 4, from: 4, to: 5 },
      { promptId: 9, from: 5, to: 6 },
    ]);
    expect([...chunks.lists("response_tokens")].map((list) => list.length)).toEqual([0, 4, 2, 1, 1, 2]);
    expect(chunks.copyPadded("response_tokens", [5, 2], { timeSteps: 2, pad: -1 })).toEqual(Int32Array.of(6, 7, 10, 11));
    expect(chunks.copySequences([3], { timeSteps: 4, padToken: 0 }).inputIds).toEqual(Int32Array.of(8, 9, 1, 0));
    expect(chunks.viewTable().numRows).toBe(6);
    expect(chunks.viewTable().batches).toHaveLength(3);
  });

  it("refuses nothing, and steps of other columns", () => {
    expect(() => concatRollouts([])).toThrow(/at least one step, got none/);
    expect(() => concatRollouts([one, sealRows(arena(), SAMPLE_ROWS, ["ref_log_probs"])])).toThrow(
      /chunks\[1\] must be the columns of the first/,
    );
  });
});
