import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConversations, loadPrompts } from "@longcot/data-filter";
import { gradeMath } from "@longcot/verifiers";
import { afterAll, expect, test } from "vitest";
import { writeArithmeticDataset } from "./write-dataset.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-arithmetic-"));
afterAll(() => rmSync(folder, { recursive: true }));
const counts = {
  seed: 11,
  trainPerLevel: { 2: 300, 3: 300 },
  heldOutPerLevel: { 1: 15, 2: 50, 3: 50 },
  coldStartPerLevel: { 1: 60, 2: 400 },
};

test("the ordinary loader reads back what was asked for, with unique ids and levels", async () => {
  const paths = await writeArithmeticDataset({ folder: join(folder, "a"), ...counts });
  const train = await loadPrompts(paths.train);
  const heldOut = await loadPrompts(paths.heldOut);
  const coldStart = await loadConversations(paths.coldStart!);
  const perLevel = (rows: readonly { level?: number }[]) => [1, 2, 3, 4].map((level) => rows.filter((row) => row.level === level).length);
  expect(perLevel(train)).toEqual([0, 300, 300, 0]);
  expect(perLevel(heldOut)).toEqual([15, 50, 50, 0]);
  expect(perLevel(coldStart)).toEqual([60, 400, 0, 0]);
  expect(train.map((row) => row.promptId)).toEqual(train.map((_, i) => String(i)));
  expect(train[0]!.extraInfo).toEqual({ index: 0, split: "train", level: 2 });
  expect(heldOut[0]!.extraInfo).toEqual({ index: 0, split: "test", level: 1 });

  const asked = new Set([...train, ...coldStart].map((row) => row.messages[0]!.content));
  expect(heldOut.filter((row) => asked.has(row.messages[0]!.content))).toEqual([]);
  for (const { messages } of coldStart) {
    const [a, b] = messages[0]!.content.split("+").map(Number);
    expect(gradeMath({ response: messages[1]!.content, groundTruth: String(a! + b!) }).score).toBe(1);
  }
});

test("the same options give the same bytes, another seed does not", async () => {
  const first = await writeArithmeticDataset({ folder: join(folder, "b"), ...counts });
  const second = await writeArithmeticDataset({ folder: join(folder, "c"), ...counts });
  const third = await writeArithmeticDataset({ folder: join(folder, "d"), ...counts, seed: 12 });
  for (const file of ["train", "heldOut", "coldStart"] as const) {
    expect(readFileSync(first[file]!).equals(readFileSync(second[file]!))).toBe(true);
    expect(readFileSync(first[file]!).equals(readFileSync(third[file]!))).toBe(false);
  }
});

test("too many problems of a level or none at all is an error, and nothing is written", async () => {
  const at = join(folder, "e");
  await expect(writeArithmeticDataset({ folder: at, ...counts, coldStartPerLevel: { 1: 101 } })).rejects.toThrow(
    /level 1, cold-start: problems must be at most \d+/,
  );
  await expect(writeArithmeticDataset({ folder: at, ...counts, trainPerLevel: {} })).rejects.toThrow(
    "problems of train must be at least one, got none",
  );
  expect(readdirSync(folder)).not.toContain("e");
});

test("without worked solutions there is no file of them", async () => {
  const { coldStartPerLevel: _, ...others } = counts;
  const paths = await writeArithmeticDataset({ folder: join(folder, "f"), ...others });
  expect(Object.keys(paths)).toEqual(["train", "heldOut"]);
  expect(readdirSync(join(folder, "f")).toSorted()).toEqual(["heldout.parquet", "train.parquet"]);
});
