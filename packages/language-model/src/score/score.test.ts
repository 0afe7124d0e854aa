// Scoring against transformers, whatever the batches; the plan of batches itself.

import { join } from "node:path";
import { expectClose } from "@longcot/vitest-config/close-to";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openSafetensors } from "../files/safetensors.ts";
import { ENGINES, openTinyModel, TINY_QWEN2 } from "../testing/engines.ts";
import { planBatches } from "./batches.ts";
import { score } from "./score.ts";

describe.each(ENGINES)("score on %s", (choice) => {
  test("log-probs and entropies are those of transformers at both temperatures, in one batch or in three", async () => {
    const { engine, model } = await openTinyModel(choice);
    const file = await openSafetensors(join(TINY_QWEN2, "expected.safetensors"));
    const ids = (await file.read("batch.input_ids")) as Int32Array;
    const mask = (await file.read("batch.attention_mask")) as Int32Array;
    const [rows, time] = [3, 40];
    const lengths = Array.from({ length: rows }, (_, row) => mask.slice(row * time, (row + 1) * time).reduce((a, b) => a + b, 0));
    const sequences = lengths.map((length, row) => ids.slice(row * time, row * time + length));
    for (const temperature of [1, 0.6]) {
      const logProbs = await file.readFloat32(`batch.logprobs_t${temperature.toFixed(1)}`);
      const entropies = await file.readFloat32(`batch.entropy_t${temperature.toFixed(1)}`);
      for (const batchTokens of [16_384, 48]) {
        const scores = await score(model, sequences, { temperature, batchTokens });
        scores.forEach((result, row) => {
          const count = lengths[row]! - 1;
          expectClose(
            result.logProbs.slice(1),
            logProbs.slice(row * (time - 1), row * (time - 1) + count),
            { atol: 1e-4 },
            `log-probs of ${row}`,
          );
          expectClose(result.entropies.slice(1), entropies.slice(row * time, row * time + count), { atol: 1e-4 }, `entropies of ${row}`);
        });
      }
    }
    await expect(score(model, [new Int32Array(0)], { temperature: 1 })).rejects.toThrow(
      "score: sequence 0 must be 1 to 2048 tokens, got 0",
    );
    await file.close();
    await engine.close();
  });
});

describe.each(ENGINES)("packed rows on %s", (choice) => {
  test("score as each sequence alone, whole and in blocks", async () => {
    const { engine, model } = await openTinyModel(choice);
    for (const lengths of [
      [40, 7, 19, 2, 1, 12, 23],
      [300, 170, 95, 33, 260],
    ]) {
      const sequences = lengths.map((length, i) => Int32Array.from({ length }, (_, t) => (t * 31 + i * 7) % model.config.vocabSize));
      expect(planBatches(lengths, { batchTokens: 4096, most: 2048 }).some(({ packing }) => packing !== undefined)).toBe(true);
      const together = await score(model, sequences, { temperature: 0.8, batchTokens: 4096 });
      for (const [i, sequence] of sequences.entries()) {
        const [alone] = await score(model, [sequence], { temperature: 0.8 });
        expectClose(together[i]!.logProbs, alone!.logProbs, { atol: 1e-5, rtol: 1e-6 }, `log-probs of ${i}`);
        expectClose(together[i]!.entropies, alone!.entropies, { atol: 1e-5, rtol: 1e-6 }, `entropies of ${i}`);
      }
    }
    await engine.close();
  });
});

describe("planBatches", () => {
  test("holds every sequence once, within the budget", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 60 }),
        fc.integer({ min: 1024, max: 8192 }),
        (lengths, batchTokens) => {
          const batches = planBatches(lengths, { batchTokens, most: 1024 });
          expect(batches.flatMap(({ indices }) => indices).toSorted((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
          for (const { indices, rows, time, packing } of batches) {
            const seen = packing ?? { rows, time };
            expect(seen.rows * seen.time).toBeLessThanOrEqual(batchTokens);
            expect(indices.length).toBeLessThanOrEqual(rows);
            for (const index of indices) expect(lengths[index]).toBeLessThanOrEqual(time);
            if (packing === undefined) continue;
            expect(packing.places.map(({ length }) => length)).toEqual(indices.map((index) => lengths[index]));
            const taken = new Set<number>();
            for (const { row, start, length } of packing.places) {
              expect(row).toBeLessThan(packing.rows);
              expect(start + length).toBeLessThanOrEqual(packing.time);
              for (let t = start; t < start + length; t++) taken.add(row * packing.time + t);
            }
            expect(taken.size).toBe(packing.places.reduce((sum, { length }) => sum + length, 0));
            for (const row of new Set(packing.places.map((place) => place.row)))
              expect(packing.places.some((place) => place.row === row && place.start === 0)).toBe(true);
          }
        },
      ),
    );
  });

  test("short sequences fill up the long rows, and go in rows of 256 beyond", () => {
    const short = Array.from({ length: 12 }, () => 100);
    const seen = planBatches([500, 300, ...short], { batchTokens: 4096, most: 2048 }).map(({ packing }) => packing!);
    expect(seen.map(({ rows, time, places }) => ({ rows, time, lengths: places.map(({ length }) => length) }))).toEqual([
      { rows: 2, time: 512, lengths: [500, 300, 100, 100] },
      { rows: 4, time: 256, lengths: Array.from({ length: 8 }, () => 100) },
      { rows: 1, time: 256, lengths: [100, 100] },
    ]);
  });

  test("has few shapes, whatever the lengths: rows in powers of two, padded by an eighth at the most", () => {
    const shapes = new Set<string>();
    for (let step = 0; step < 50; step++) {
      const lengths = Array.from({ length: 64 }, (_, i) => 16 + ((step * 7919 + i * i * 104_729) % 497));
      for (const { rows, time, packing } of planBatches(lengths, { batchTokens: 16_384, most: 2048 })) {
        const used = new Set(packing!.places.map(({ row }) => row)).size;
        expect(Math.log2(packing!.rows) % 1).toBe(0);
        expect(used).toBeGreaterThanOrEqual(packing!.rows * (7 / 8));
        shapes.add(`${packing!.rows}x${packing!.time} as ${rows}x${time}`);
      }
    }
    expect(shapes.size).toBeLessThanOrEqual(8);
  });

  test("names a budget that is too small", () => {
    expect(() => planBatches([100], { batchTokens: 64, most: 1024 })).toThrow(
      "planBatches: tokens of a batch must be at least 112, to hold the longest sequence, got 64",
    );
  });
});
