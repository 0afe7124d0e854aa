import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadStepwise, writeStepwise } from "./stepwise.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-stepwise-"));
afterAll(() => rmSync(folder, { recursive: true }));

const answer = {
  prompt: [{ role: "user", content: "19+18" }] as const,
  completions: ["<think>9+8+0=17", "1+1+0=2", "</think>\\boxed{27}"],
  labels: [true, false, false],
  values: [0.875, 0, 0],
  separator: ";",
  dataSource: "sums",
  extraInfo: { index: 7, level: 2 },
};

test.each(["steps.parquet", "steps.jsonl"])("%s comes back as it was written", async (name) => {
  const path = join(folder, name);
  await writeStepwise(path, [answer, { ...answer, completions: ["37"], labels: [true], values: [1], extraInfo: { index: 8, level: 3 } }]);
  expect(await loadStepwise(path)).toEqual([
    { ...answer, answerId: "7", level: 2 },
    { ...answer, answerId: "8", level: 3, completions: ["37"], labels: [true], values: [1], extraInfo: { index: 8, level: 3 } },
  ]);
});

test("TRL's columns alone are enough, and what is wrong is named", async () => {
  const path = join(folder, "trl.jsonl");
  const write = (row: object) =>
    writeFileSync(path, `${JSON.stringify({ prompt: "2+2", completions: ["a", "b"], labels: [true, false], ...row })}\n`);
  write({});
  const [read] = await loadStepwise(path);
  expect(read).toMatchObject({ values: [1, 0], separator: "\n", extraInfo: {} });
  write({ labels: [true] });
  await expect(loadStepwise(path)).rejects.toThrow("labels must be a list of one per completion (2), got a list of 1");
  write({ labels: [true, 1] });
  await expect(loadStepwise(path)).rejects.toThrow("labels[1] must be true or false, got the number 1");
  write({ values: [1, 2] });
  await expect(loadStepwise(path)).rejects.toThrow("values[1] must be a number from 0 to 1, got the number 2");
  write({ completions: [] });
  await expect(loadStepwise(path)).rejects.toThrow("completions must be a list of one or more texts, got an empty list");
  write({ step_separator: "" });
  await expect(loadStepwise(path)).rejects.toThrow("step_separator must be a text of at least one character");
});
