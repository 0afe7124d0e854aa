import { isLongcotError } from "@longcot/errors";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rolloutRows } from "../fixtures/rollout-rows.ts";
import { SAMPLE_ROWS, sampleRow, scoreRows, sealRows, writeRows } from "../fixtures/sample-step.ts";
import type { AppendedRow } from "./appended-row.ts";
import { createArena } from "./arena.ts";
import { createRolloutWriter } from "./rollout-writer.ts";
import { sealedByteLength, stepByteLength } from "./step-size.ts";

const arena = () => createArena({ budgetBytes: 1 << 20 });
const SEAL = { step: 12, seed: 5 };

function refusal(action: () => unknown): { code: string; message: string } {
  try {
    action();
  } catch (error) {
    if (isLongcotError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("createRolloutWriter", () => {
  it("needs no more of the arena than stepByteLength says, and gives all of it back", () => {
    fc.assert(
      fc.property(rolloutRows, fc.integer({ min: 1, max: 3000 }), (rows, repeat) => {
        const grown = rows.map((row) => {
          const tokens = new Int32Array(row.responseTokens.length * repeat);
          return { ...row, level: 1, responseTokens: tokens, rolloutLogProbs: new Float32Array(tokens.length) };
        });
        const capacity = {
          rows: rows.length,
          promptTokens: grown.reduce((sum, { promptTokens }) => sum + promptTokens.length, 0),
          responseTokens: grown.reduce((sum, { responseTokens }) => sum + responseTokens.length, 0),
          optional: ["level", "ref_log_probs"] as const,
        };
        const memory = createArena({ budgetBytes: stepByteLength(capacity) });
        const rollouts = sealRows(memory, grown, ["level", "ref_log_probs"]);
        expect(memory.budgetBytes - memory.freeBytes).toBe(sealedByteLength(capacity));
        rollouts.free();
        expect(memory.freeBytes).toBe(memory.budgetBytes);
      }),
      { seed: 6, numRuns: 40 },
    );
  });

  it("names the column that breaks the budget, at append and at seal, and goes on", () => {
    const tight = createArena({ budgetBytes: 3 * 65_536 });
    const writer = createRolloutWriter(tight);
    const long = sampleRow(
      1,
      0,
      [1],
      Array.from({ length: 20_000 }, () => 3),
    );
    expect(refusal(() => writer.append(long))).toMatchObject({
      code: "CONFIG",
      message: expect.stringMatching(
        /column old_log_probs must be small enough for the arena \(largest free piece 196608 of 196608 bytes\), got 80000 bytes/,
      ),
    });
    expect(writer.length).toBe(0);
    const rows = [0, 1].map((sample) =>
      sampleRow(
        1,
        sample,
        [1],
        Array.from({ length: 3000 }, () => 3),
      ),
    );
    for (const row of rows) writer.append(row);
    scoreRows(writer, rows);
    expect(refusal(() => writer.seal(SEAL))).toMatchObject({
      code: "CONFIG",
      message: expect.stringMatching(/column \w+ must be small enough for the arena \(largest free piece/),
    });
    expect(writer.length).toBe(2);
    writer.discard();
    expect(tight.freeBytes).toBe(tight.budgetBytes);
  });

  it("grows without moving what views point at", () => {
    const memory = createArena({ budgetBytes: 64 << 20 });
    const writer = createRolloutWriter(memory);
    writer.append(sampleRow(0, 0, [1], [7, 8, 9]));
    const view = writer.viewRowTokens("response_tokens", 0);
    for (let sample = 1; sample < 1000; sample++)
      writer.append(
        sampleRow(
          0,
          sample,
          [1],
          Array.from({ length: 500 }, () => sample),
        ),
      );
    expect(writer.length).toBe(1000);
    expect([...view]).toEqual([7, 8, 9]);
    expect(writer.viewRowTokens("response_tokens", 0).byteOffset).toBe(view.byteOffset);
    expect([...new Set(writer.viewRowTokens("response_tokens", 999))]).toEqual([999]);
    expect(writer.responseTokenCount).toBe(3 + 999 * 500);
    writer.discard();
    expect(memory.freeBytes).toBe(memory.budgetBytes);
  });

  it("refuses optional columns that make no sense, and a 65th open writer", () => {
    expect(refusal(() => createRolloutWriter(arena(), { optional: ["reward" as never] })).message).toContain(
      "optional must be names among level, ref_log_probs, top_k_mass, got reward",
    );
    const memory = arena();
    const writers = Array.from({ length: 64 }, () => createRolloutWriter(memory));
    expect(refusal(() => createRolloutWriter(memory)).message).toContain("at most 64 open writers");
    writers[5]!.discard();
    expect(createRolloutWriter(memory).length).toBe(0);
  });
});

describe("RolloutWriter.append", () => {
  const good = sampleRow(1, 0, [1], [2, 3]);
  const bad: [string, Partial<Record<keyof AppendedRow, unknown>>, string][] = [
    [
      "log-probs of another length",
      { rolloutLogProbs: new Float32Array(3) },
      "rolloutLogProbs must be 2 long, as the row's response, got 3",
    ],
    ["a mask of another length", { responseMask: new Uint8Array(1) }, "responseMask must be 2 long"],
    ["a mask with a 2", { responseMask: Uint8Array.of(1, 2) }, "responseMask must be 0 or 1 everywhere, got 2"],
    ["float64 log-probs", { rolloutLogProbs: new Float64Array(2) }, "rolloutLogProbs must be Float32Array, got Float64Array"],
    ["tokens as an array", { responseTokens: [2, 3] }, "responseTokens must be Int32Array, got Array"],
    ["no prompt", { promptTokens: new Int32Array(0) }, "promptTokens must be at least one token"],
    ["a fractional id", { promptId: 1.5 }, "promptId must be a whole number"],
    ["an id beyond int32", { sampleIndex: 2 ** 31 }, "sampleIndex must be a whole number"],
    ["an unknown finish reason", { finishReason: "eos" }, "finishReason must be one of stop, length, abort, got eos"],
    ["an empty data source", { dataSource: "" }, "dataSource must be a non-empty string"],
    ["a level that the step lacks", { level: 2 }, "level must be left out"],
  ];
  it.each(bad)("refuses %s and adds nothing", (_, change, message) => {
    const writer = createRolloutWriter(arena());
    expect(refusal(() => writer.append({ ...good, ...change } as AppendedRow)).message).toContain(message);
    expect(writer.length).toBe(0);
    expect(writer.append(good)).toBe(0);
  });

  it("wants a level in every row when the step carries it", () => {
    const writer = createRolloutWriter(arena(), { optional: ["level"] });
    expect(refusal(() => writer.append(good)).message).toContain("level must be a number in every row, got undefined");
  });
});

describe("RolloutWriter setters and reads before seal", () => {
  it("refuses a wrong length, class, row or column", () => {
    const writer = writeRows(arena(), SAMPLE_ROWS);
    expect(refusal(() => writer.setPerToken("entropies", 0, new Float32Array(3))).message).toContain(
      "column entropies of row 0 must be 2 long",
    );
    expect(refusal(() => writer.setPerToken("entropies", 0, new Float64Array(2) as never)).message).toContain(
      "must be Float32Array, got Float64Array",
    );
    expect(refusal(() => writer.setPerRow("reward", 3, 1)).message).toContain("rows[0] must be a row number from 0 to 2, got 3");
    expect(refusal(() => writer.setPerToken("ref_log_probs", 0, new Float32Array(2))).message).toContain("got ref_log_probs");
    expect(refusal(() => writer.setPerRow("prompt_id" as never, 0, 1)).message).toContain("column must be one of");
  });

  it("serves the trainer: sorted order, rewards, padded rows, all before seal", () => {
    const writer = writeRows(arena(), SAMPLE_ROWS);
    expect([...writer.copySortedRows()]).toEqual([2, 1, 0]);
    expect([...writer.copyPerRow("reward")]).toEqual([7.25, 7, 4]);
    expect([...writer.viewRowTokens("response_tokens", 1)]).toEqual([12, 13, 14, 15]);
    expect([...writer.copyPadded("response_tokens", [0, 2], { timeSteps: 3, pad: -1 })]).toEqual([10, 11, -1, -1, -1, -1]);
    expect([...writer.copySequences([0], { timeSteps: 6, padToken: 0 }).inputIds]).toEqual([1, 2, 3, 10, 11, 0]);
    writer.seal(SEAL);
  });

  it("does not read what was never set", () => {
    const writer = createRolloutWriter(arena());
    writer.append(sampleRow(3, 2, [1], [1]));
    expect(refusal(() => writer.copyPerRow("reward")).message).toContain(
      "column reward must be set in every row, got nothing in row 0 (prompt_id 3, sample_index 2)",
    );
    expect(refusal(() => writer.copyPerRow("step")).message).toContain("a column that seal fills");
  });
});

describe("RolloutWriter.seal", () => {
  it.each(["reward", "advantage", "outcome", "old_log_probs", "ref_log_probs", "entropies", "top_k_mass"])(
    "names the row whose %s is missing",
    (missing) => {
      const writer = createRolloutWriter(arena(), { optional: ["ref_log_probs", "top_k_mass"] });
      for (const sampleIndex of [1, 0]) {
        const row = writer.append(sampleRow(3, sampleIndex, [1], [2]));
        const last = row === 1;
        if (!(last && missing === "reward")) writer.setPerRow("reward", row, 1);
        if (!(last && missing === "advantage")) writer.setPerRow("advantage", row, 1);
        if (!(last && missing === "outcome")) writer.setCategory("outcome", row, "correct");
        for (const column of ["old_log_probs", "ref_log_probs", "entropies", "top_k_mass"] as const) {
          if (!(last && missing === column)) writer.setPerToken(column, row, new Float32Array(1));
        }
      }
      expect(refusal(() => writer.seal(SEAL))).toEqual({
        code: "DATA",
        message: `RolloutWriter.seal: column ${missing} must be set in every row, got nothing in row 1 (prompt_id 3, sample_index 0)`,
      });
    },
  );

  it.each([Number.NaN, Infinity, -Infinity])("refuses %s in a float column, then seals once it is mended", (value) => {
    const writer = writeRows(arena(), SAMPLE_ROWS);
    writer.setPerToken("entropies", 1, Float32Array.of(0, 0, value, 0));
    expect(refusal(() => writer.seal(SEAL))).toEqual({
      code: "NUMERIC",
      message: `RolloutWriter.seal: column entropies must be finite everywhere, got ${value} in row 1 (prompt_id 7, sample_index 0) at token 2`,
    });
    writer.setPerToken("entropies", 1, new Float32Array(4));
    writer.setPerRow("reward", 0, 1e39);
    expect(refusal(() => writer.seal(SEAL)).message).toContain(
      "column reward must be finite everywhere, got Infinity in row 0 (prompt_id 7, sample_index 1)",
    );
    writer.setPerRow("reward", 0, 1);
    expect(writer.seal(SEAL).length).toBe(3);
  });

  it("refuses a repeated (prompt_id, sample_index)", () => {
    const rows = [sampleRow(1, 0, [1], [2]), sampleRow(2, 0, [1], [2]), sampleRow(1, 0, [5], [6])];
    expect(refusal(() => writeRows(arena(), rows).seal(SEAL))).toEqual({
      code: "DATA",
      message: "RolloutWriter.seal: columns prompt_id, sample_index must be a pair that no other row has, got (1, 0) in rows 0 and 2",
    });
  });

  it("refuses no rows and bad metadata", () => {
    expect(refusal(() => createRolloutWriter(arena()).seal(SEAL)).message).toContain("at least one row");
    const writer = writeRows(arena(), SAMPLE_ROWS);
    expect(refusal(() => writer.seal({ step: -1, seed: 0 })).message).toContain("step must be");
    expect(refusal(() => writer.seal({ step: 1, seed: 0.5 })).message).toContain("seed must be");
    expect(refusal(() => writer.seal({ ...SEAL, metadata: { "longcot.step": "3" } })).message).toContain("outside longcot.*");
    expect(refusal(() => writer.seal({ ...SEAL, metadata: { note: "longcot-crc32:" } })).message).toContain(
      "metadata note must be a string without",
    );
    expect(writer.seal(SEAL).length).toBe(3);
  });

  it("leaves pending columns out, and takes neither a value in them nor one missing elsewhere", () => {
    const pending = ["outcome", "reward", "advantage", "old_log_probs", "entropies"] as const;
    const memory = arena();
    const writer = createRolloutWriter(memory);
    for (const row of SAMPLE_ROWS) writer.append(row);
    expect(refusal(() => writer.seal({ ...SEAL, pending: ["reward"] })).message).toContain(
      "column outcome must be set in every row, got nothing in row 0",
    );
    expect(refusal(() => writer.seal({ ...SEAL, pending: ["prompt_id" as never] })).message).toContain(
      "pending must be names among outcome",
    );
    writer.setPerRow("reward", 1, 0.5);
    expect(refusal(() => writer.seal({ ...SEAL, pending })).message).toContain(
      "column reward must be set in no row, as it is pending, got a value in row 1",
    );
    const others = pending.filter((name) => name !== "reward");
    for (const row of [0, 2]) writer.setPerRow("reward", row, 1);
    const rollouts = writer.seal({ ...SEAL, pending: others });
    expect(pending.filter((name) => rollouts.has(name))).toEqual(["reward"]);
    expect(rollouts.viewRow(0)).not.toHaveProperty("outcome");
    expect([...rollouts.viewPerRow("reward")]).toEqual([1, 0.5, 1]);
    expect(() => rollouts.viewPerRow("advantage")).toThrow(/got advantage/);
  });

  it("closes every way to write", () => {
    const writer = writeRows(arena(), SAMPLE_ROWS);
    writer.seal(SEAL);
    const writes = [
      () => writer.append(SAMPLE_ROWS[0]!),
      () => writer.setPerRow("reward", 0, 1),
      () => writer.setCategory("outcome", 0, "wrong"),
      () => writer.setPerToken("entropies", 0, new Float32Array(2)),
      () => writer.seal(SEAL),
      () => writer.discard(),
      () => writer.copyPerRow("reward"),
    ];
    for (const write of writes)
      expect(refusal(write).message).toContain("expected a writer that is still open, got one that was sealed or discarded");
  });

  it("sorts by (prompt_id, sample_index), every column along with its row", () => {
    fc.assert(
      fc.property(rolloutRows, (rows) => {
        const memory = arena();
        const rollouts = sealRows(memory, rows, ["ref_log_probs"]);
        const sorted = rows.toSorted((a, b) => a.promptId - b.promptId || a.sampleIndex - b.sampleIndex);
        sorted.forEach((row, i) => {
          expect(rollouts.viewRow(i)).toEqual({
            promptId: row.promptId,
            sampleIndex: row.sampleIndex,
            step: 12,
            stage: 1,
            weightVersion: row.weightVersion,
            dataSource: row.dataSource,
            finishReason: row.finishReason,
            outcome: row.sampleIndex === 0 ? "wrong" : "correct",
            reward: row.promptId + row.sampleIndex / 4,
            advantage: row.sampleIndex - 0.5,
            promptTokens: row.promptTokens,
            responseTokens: row.responseTokens,
            responseMask: new Uint8Array(row.responseTokens.length).fill(1),
            rolloutLogProbs: row.rolloutLogProbs,
            oldLogProbs: row.rolloutLogProbs.map((x) => x - 0.25),
            entropies: row.rolloutLogProbs.map((x) => -x / 2),
            refLogProbs: row.rolloutLogProbs.map((x) => x - 1),
          });
        });
        rollouts.free();
        expect(memory.freeBytes).toBe(memory.budgetBytes);
      }),
      { seed: 2 },
    );
  });

  it("does not let a reused region's old bytes through", () => {
    const memory = arena();
    sealRows(memory, [sampleRow(9, 9, [900, 901], [902, 903, 904])]).free();
    const writer = createRolloutWriter(memory);
    writer.append(sampleRow(1, 0, [1], [2]));
    scoreRows(writer, [sampleRow(1, 0, [1], [2])]);
    const rollouts = writer.seal(SEAL);
    expect(rollouts.promptTokenCount).toBe(1);
    expect([...rollouts.viewPerToken("response_tokens").values]).toEqual([2]);
    expect(rollouts.copyCategories("data_source")).toEqual(["odd"]);
  });
});
