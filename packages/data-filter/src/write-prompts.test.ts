import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, DataError } from "@longcot/errors";
import fc from "fast-check";
import { parquetMetadata, parquetSchema, type SchemaTree } from "hyparquet";
import { afterAll, describe, expect, test } from "vitest";
import { loadConversations } from "./load-conversations.ts";
import { loadPrompts } from "./load-prompts.ts";
import type { Conversation, PromptRow } from "./prompt-row.ts";
import { writeConversations, writePrompts } from "./write-prompts.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-data-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const row = (index: number, extra: Record<string, unknown> = {}): PromptRow => ({
  promptId: String(index),
  dataSource: "made-up",
  messages: [{ role: "user", content: `${index}+1` }],
  ability: "math",
  groundTruth: String(index + 1),
  extraInfo: { index, ...extra },
});

/** A parquet schema as text, in pyarrow's terms. */
function typeOf({ element, children }: SchemaTree): string {
  if (element.converted_type === "LIST") return `list<${typeOf(children[0]!.children[0]!)}>`;
  if (children.length > 0) return `struct<${children.map((child) => `${child.element.name}: ${typeOf(child)}`).join(", ")}>`;
  return element.converted_type === "UTF8" ? "string" : String(element.type);
}

describe.each(["parquet", "jsonl"])("round trip through %s", (format) => {
  test("problems come back equal", async () => {
    const rows = await loadPrompts(fileURLToPath(new URL("../fixtures/verl-snappy.parquet", import.meta.url)));
    await writePrompts(at(`made/here/rows.${format}`), rows);
    expect(await loadPrompts(at(`made/here/rows.${format}`))).toEqual(rows);
    expect(readdirSync(at("made/here")).filter((name) => name.startsWith(".aside-"))).toEqual([]);
  });

  test("conversations come back equal", async () => {
    const rows: Conversation[] = [0, 1].map((i) => ({
      conversationId: String(i),
      messages: [
        { role: "user", content: `${i}` },
        { role: "assistant", content: "<think>\n</think>\\boxed{1}" },
      ],
      dataSource: "made-up",
      extraInfo: { index: i, level: 1 },
      level: 1,
    }));
    await writeConversations(at(`chat.${format}`), rows);
    expect(await loadConversations(at(`chat.${format}`))).toEqual(rows);
  });

  test("any text and any number survive", async () => {
    const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((value) => value.trim() !== "");
    const extra = fc.record({
      level: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((v) => !Object.is(v, -0)),
      tags: fc.array(text, { minLength: 1 }),
      hard: fc.boolean(),
    });
    const rows = fc.array(fc.tuple(text, extra), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(rows, async (drawn) => {
        const written = drawn.map(([content, info], i) => ({
          ...row(i, info),
          messages: [{ role: "user" as const, content }],
          level: info.level,
        }));
        await writePrompts(at(`any.${format}`), written);
        expect(await loadPrompts(at(`any.${format}`))).toEqual(written);
      }),
      { seed: 5, numRuns: 30 },
    );
  });
});

describe("what is written", () => {
  test("parquet has verl's nested types", async () => {
    await writePrompts(at("types.parquet"), [row(0, { split: "train", level: 2, score: 0.5, ok: true, seen: { a: [1] } })]);
    const bytes = readFileSync(at("types.parquet"));
    const schema = parquetSchema(parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer));
    expect(schema.children.map((child) => `${child.element.name}: ${typeOf(child)}`)).toEqual([
      "data_source: string",
      "prompt: list<struct<role: string, content: string>>",
      "ability: string",
      "reward_model: struct<style: string, ground_truth: string>",
      "extra_info: struct<index: INT64, split: string, level: INT64, score: DOUBLE, ok: BOOLEAN, seen: struct<a: list<INT64>>>",
    ]);
  });

  test("rows without an index get their position; integers past 2^53 stay exact", async () => {
    await writePrompts(
      at("index.parquet"),
      [3, 4].map((i) => ({ ...row(i), extraInfo: { big: 2n ** 60n + 1n } })),
    );
    expect((await loadPrompts(at("index.parquet"))).map((back) => back.extraInfo)).toEqual([
      { big: 2n ** 60n + 1n, index: 0 },
      { big: 2n ** 60n + 1n, index: 1 },
    ]);
    await expect(writePrompts(at("index.jsonl"), [row(0, { big: 2n ** 60n })])).rejects.toThrow(
      "big must be a finite number that JSON holds exactly",
    );
  });

  test("fields of mixed type, dates, no rows and unknown extensions are refused", async () => {
    await expect(writePrompts(at("x.parquet"), [row(0, { a: 1 }), row(1, { a: "1" })])).rejects.toThrow(ConfigError);
    await expect(writePrompts(at("x.parquet"), [row(0, { a: new Date(0) })])).rejects.toThrow("extra_info.a must be");
    await expect(writePrompts(at("x.parquet"), [row(0, { a: {} })])).rejects.toThrow(
      "extra_info.a must be objects with at least one field",
    );
    await expect(writePrompts(at("x.parquet"), [])).rejects.toThrow(DataError);
    await expect(writePrompts(at("x.csv"), [row(0)])).rejects.toThrow("a file named .parquet or .jsonl, got .csv");
    expect(readdirSync(folder)).not.toContain("x.parquet");
  });

  test("a write that fails leaves the old file and nothing beside it", async () => {
    mkdirSync(at("kept"));
    writeFileSync(at("kept/rows.jsonl"), "old");
    await expect(writePrompts(at("kept/rows.jsonl"), [row(0, { level: Number.NaN })])).rejects.toThrow(DataError);
    mkdirSync(at("kept/taken.jsonl"));
    await expect(writePrompts(at("kept/taken.jsonl"), [row(0)])).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(readFileSync(at("kept/rows.jsonl"), "utf8")).toBe("old");
    expect(readdirSync(at("kept")).toSorted()).toEqual(["rows.jsonl", "taken.jsonl"]);
  });
});
