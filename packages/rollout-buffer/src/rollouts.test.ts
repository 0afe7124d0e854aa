import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rolloutRows } from "../fixtures/rollout-rows.ts";
import { sealRows } from "../fixtures/sample-step.ts";
import { createArena } from "./arena.ts";
import { ROLLOUT_COLUMNS } from "./column-table.ts";

const arena = () => createArena({ budgetBytes: 1 << 20 });

describe("Rollouts", () => {
  const rollouts = sealRows(arena());

  it("counts rows and tokens and lists its columns", () => {
    expect(rollouts.length).toBe(3);
    expect(rollouts.promptTokenCount).toBe(7);
    expect(rollouts.responseTokenCount).toBe(6);
    expect(rollouts.columns).toEqual(ROLLOUT_COLUMNS.filter((column) => column.presence !== "optional").map((column) => column.name));
    expect(rollouts.has("ref_log_probs")).toBe(false);
    expect(rollouts.metadata).toEqual({ step: 12, seed: 5, custom: { run: "test" } });
  });

  it("views flat values and offsets, sorted", () => {
    expect([...rollouts.viewPerRow("prompt_id")]).toEqual([4, 7, 7]);
    expect([...rollouts.viewPerRow("sample_index")]).toEqual([0, 0, 1]);
    const { values, offsets } = rollouts.viewPerToken("response_tokens");
    expect([...values]).toEqual([12, 13, 14, 15, 10, 11]);
    expect([...offsets]).toEqual([0, 0, 4, 6]);
    expect([...rollouts.viewPerToken("response_mask").values]).toEqual([1, 0, 1, 1, 1, 1]);
    expect(rollouts.viewCategories("finish_reason")).toEqual({
      codes: Int32Array.of(0, 2, 1),
      categories: ["abort", "length", "stop"],
    });
    expect(rollouts.copyCategories("outcome")).toEqual(["wrong", "wrong", "correct"]);
  });

  it("aliases with view*, allocates with copy*", () => {
    const one = sealRows(arena());
    const [view, copy] = [one.viewPerRow("reward"), one.copyPerRow("reward")];
    const [lists, copiedLists] = [one.viewPerToken("entropies"), one.copyPerToken("entropies")];
    view[0] = 99;
    lists.values[1] = 98;
    expect(one.viewPerRow("reward")[0]).toBe(99);
    expect(one.viewRow(1).entropies![1]).toBe(98);
    expect(copy[0]).toBe(4);
    expect(copiedLists.values[1]).toBe(13 / 16);
    expect(copy.buffer).toBeInstanceOf(ArrayBuffer);
    expect(copiedLists.offsets.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it("iterates over groups", () => {
    expect([...rollouts.groups()]).toEqual([
      { promptId: 4, from: 0, to: 1 },
      { promptId: 7, from: 1, to: 3 },
    ]);
  });

  it("refuses rows and columns that are not there", () => {
    expect(() => rollouts.viewRow(3)).toThrow(/rows\[0\] must be a row number from 0 to 2, got 3/);
    expect(() => rollouts.viewPerRow("level")).toThrow(/column must be one that this step carries \(prompt_id, .*\), got level/);
    expect(() => rollouts.viewPerToken("ref_log_probs")).toThrow(/got ref_log_probs/);
    expect(() => rollouts.viewPerRow("outcome" as never)).toThrow(/got outcome/);
  });

  it("gives nothing after free", () => {
    const memory = arena();
    const one = sealRows(memory);
    one.free();
    for (const use of [
      () => one.viewPerRow("reward"),
      () => one.viewRecordBatch(),
      () => one.copySequences([0], { timeSteps: 9, padToken: 0 }),
      () => one.free(),
    ]) {
      expect(use).toThrow(/expected rollouts in use, got rollouts that were freed/);
    }
    expect(memory.freeBytes).toBe(memory.budgetBytes);
  });
});

describe("Rollouts as padded batches", () => {
  const rollouts = sealRows(arena());

  it("pads on the right, rows in the order asked", () => {
    const tokens = rollouts.copyPadded("response_tokens", [2, 1], { timeSteps: 5, pad: -7 });
    expect(tokens).toEqual(Int32Array.of(10, 11, -7, -7, -7, 12, 13, 14, 15, -7));
    const logProbs = rollouts.copyPadded("rollout_log_probs", Int32Array.of(2, 0), {
      timeSteps: 2,
      pad: 0,
    });
    expect(logProbs).toEqual(Float32Array.of(-1.25, -1.375, 0, 0));
    expect(rollouts.copyPadded("response_mask", [1], { timeSteps: 5, pad: 0 })).toEqual(Float32Array.of(1, 0, 1, 1, 0));
    expect(rollouts.copyPadded("prompt_tokens", [0], { timeSteps: 2, pad: 1 })).toEqual(Int32Array.of(9, 1));
  });

  it("lays prompt and response side by side, response columns at their tokens", () => {
    expect(rollouts.copySequences([0, 1], { timeSteps: 8, padToken: 99 })).toEqual({
      inputIds: Int32Array.of(9, 99, 99, 99, 99, 99, 99, 99, /**/ 1, 2, 3, 12, 13, 14, 15, 99),
      responseMask: Float32Array.of(0, 0, 0, 0, 0, 0, 0, 0, /**/ 0, 0, 0, 1, 0, 1, 1, 0),
      sequenceLengths: Int32Array.of(1, 7),
      promptLengths: Int32Array.of(1, 3),
    });
    expect(rollouts.copyPadded("entropies", [1], { timeSteps: 8, pad: 0, start: "sequence" })).toEqual(
      Float32Array.of(0, 0, 0, 0.75, 13 / 16, 0.875, 15 / 16, 0),
    );
  });

  it("never cuts a row", () => {
    expect(() => rollouts.copyPadded("response_tokens", [2, 1], { timeSteps: 3, pad: 0 })).toThrow(
      "timeSteps must be at least 4, for response_tokens of row 1, got 3. Rows are never cut",
    );
    expect(() => rollouts.copyPadded("entropies", [1], { timeSteps: 6, pad: 0, start: "sequence" })).toThrow(
      "at least 7, for entropies of row 1",
    );
    expect(() => rollouts.copySequences([1], { timeSteps: 6, padToken: 0 })).toThrow(
      "at least 7, for prompt_tokens and response_tokens of row 1",
    );
    expect(() => rollouts.copySequences([0], { timeSteps: Number.NaN, padToken: 0 })).toThrow(
      "timeSteps must be a whole number of tokens, got NaN",
    );
    expect(() => rollouts.copyPadded("prompt_tokens", [1], { timeSteps: 9, pad: 0, start: "sequence" })).toThrow(/start must be "row"/);
    expect(() => rollouts.copyPadded("entropies", [0.5], { timeSteps: 9, pad: 0 })).toThrow(/rows\[0\] must be a row number/);
  });

  it("keeps every element and only pads, whatever the width", () => {
    fc.assert(
      fc.property(rolloutRows, fc.integer({ min: 24, max: 40 }), (rows, timeSteps) => {
        const step = sealRows(arena(), rows);
        const all = Array.from({ length: step.length }, (_, row) => row);
        const { inputIds, responseMask, sequenceLengths, promptLengths } = step.copySequences(all, {
          timeSteps,
          padToken: -1,
        });
        const aligned = step.copyPadded("response_tokens", all, {
          timeSteps,
          pad: -1,
          start: "sequence",
        });
        for (const row of all) {
          const { promptTokens, responseTokens, responseMask: bits } = step.viewRow(row);
          const at = row * timeSteps;
          const [prompt, end] = [promptLengths[row]!, sequenceLengths[row]!];
          expect(inputIds.slice(at, at + prompt)).toEqual(Int32Array.from(promptTokens));
          expect(inputIds.slice(at + prompt, at + end)).toEqual(Int32Array.from(responseTokens));
          expect(aligned.slice(at + prompt, at + end)).toEqual(Int32Array.from(responseTokens));
          expect(responseMask.slice(at + prompt, at + end)).toEqual(Float32Array.from(bits));
          expect(inputIds.subarray(at + end, at + timeSteps).every((id) => id === -1)).toBe(true);
          expect(responseMask.subarray(at, at + prompt).every((bit) => bit === 0)).toBe(true);
          expect(responseMask.subarray(at + end, at + timeSteps).every((bit) => bit === 0)).toBe(true);
        }
      }),
      { seed: 3 },
    );
  });
});
