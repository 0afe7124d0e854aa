import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadPreferences, writePreferences } from "./preferences.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-preferences-"));
afterAll(() => rmSync(folder, { recursive: true }));

const pair = {
  prompt: [{ role: "user", content: "2+2" }] as const,
  chosen: "<think></think>\\boxed{4}",
  rejected: "<think></think>\\boxed{5}",
  dataSource: "sums",
  extraInfo: { index: 7, level: 2 },
};

test.each(["pairs.parquet", "pairs.jsonl"])("%s comes back as it was written", async (name) => {
  const path = join(folder, name);
  await writePreferences(path, [pair, { ...pair, margin: 0.5, extraInfo: { index: 8, level: 3 } }]);
  expect(await loadPreferences(path)).toEqual([
    { ...pair, pairId: "7", level: 2 },
    { ...pair, pairId: "8", level: 3, margin: 0.5, extraInfo: { index: 8, level: 3 } },
  ]);
});

test("plain texts are read as well, and what is wrong is named", async () => {
  const path = join(folder, "texts.jsonl");
  const write = (...rows: object[]) => writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  write({ prompt: "2+2", chosen: "4", rejected: "5" });
  expect(await loadPreferences(path)).toEqual([
    { pairId: "0", prompt: [{ role: "user", content: "2+2" }], chosen: "4", rejected: "5", extraInfo: {} },
  ]);
  write({ prompt: "2+2", chosen: "4", rejected: " " });
  await expect(loadPreferences(path)).rejects.toThrow("rejected must be a non-blank string, got a blank string");
  write({ prompt: "2+2", chosen: "4", rejected: "5", margin: "big" });
  await expect(loadPreferences(path)).rejects.toThrow('margin must be a finite number, got "big"');
  write({
    prompt: "2+2",
    chosen: [
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
    ],
    rejected: "5",
  });
  await expect(loadPreferences(path)).rejects.toThrow("chosen must be one message of the assistant's");
});
