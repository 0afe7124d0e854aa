import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DataError } from "@longcot/errors";
import { afterAll, describe, expect, test } from "vitest";
import { loadConversations } from "./load-conversations.ts";
import { loadPrompts } from "./load-prompts.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "longcot-data-"));
afterAll(() => rmSync(folder, { recursive: true }));
const written = (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const line = (changes: object = {}) =>
  JSON.stringify({
    data_source: "s",
    prompt: [{ role: "user", content: "q" }],
    ability: "math",
    reward_model: { style: "rule", ground_truth: "1" },
    ...changes,
  });

describe("parquet written by pyarrow", () => {
  test.each(["snappy", "zstd", "gzip", "brotli"])("%s: every field arrives", async (codec) => {
    expect(await loadPrompts(fixture(`verl-${codec}.parquet`))).toEqual([
      {
        promptId: "10",
        dataSource: "made-up",
        messages: [{ role: "user", content: "Simplify $\\sqrt{12}$." }],
        ability: "math",
        groundTruth: '["2\\\\sqrt{3}"]',
        extraInfo: {
          index: 10,
          split: "train",
          level: 1,
          model_difficulty: { small: 2, large: null },
        },
        level: 1,
      },
      {
        promptId: "11",
        dataSource: "made-up",
        messages: [{ role: "user", content: "What is 2+3? \u00e9\u{1f600}" }],
        ability: "math",
        groundTruth: "5",
        extraInfo: { index: 11, split: "train", level: 2, model_difficulty: null },
        level: 2,
      },
      {
        promptId: "12",
        dataSource: "made-up",
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "And 2-3?" },
        ],
        ability: "math",
        groundTruth: "-1",
        extraInfo: {
          index: 12,
          split: "train",
          level: 0,
          model_difficulty: { small: 2, large: null },
        },
        level: 0,
      },
    ]);
  });

  test("the first malformed row is one line that names file, row, column and what came", async () => {
    const path = fixture("verl-malformed.parquet");
    await expect(loadPrompts(path)).rejects.toThrow(
      `${path}: row 1, prompt[0].content must be a non-blank string, got a blank string. Mend the row`,
    );
  });

  test("rejecting returns every malformed row with its reason, and the others", async () => {
    const { rows, rejected } = await loadPrompts(fixture("verl-malformed.parquet"), {
      onInvalid: "reject",
    });
    expect(rows.map((row) => row.promptId)).toEqual(["0", "11"]);
    expect(rejected.map(({ row, column, received }) => [row, column, received])).toEqual([
      [1, "prompt[0].content", "a blank string"],
      [2, "reward_model.ground_truth", "null"],
      [3, "reward_model", "null"],
      [4, "reward_model.ground_truth", '"[]": an empty list'],
      [5, "ability", '"maths"'],
      [6, "prompt[0].role", '"humam"'],
      [7, "prompt[1].role", "assistant"],
      [8, "prompt", "an empty list"],
      [9, "prompt", "null"],
      [10, "data_source", "null"],
    ]);
  });
});

describe("unusable files", () => {
  const whole = readFileSync(fixture("verl-snappy.parquet"));
  const flipped = Uint8Array.from(whole, (byte, i) => (i >= 4 && i < 400 ? byte ^ 0xff : byte));
  test.each([
    ["missing file", () => join(folder, "absent.parquet"), "must be|a readable file, got no such file"],
    ["folder", () => folder, "a file named .parquet or .jsonl, got no extension"],
    ["empty parquet", () => written("empty.parquet", ""), "a parquet file, got an empty file"],
    ["empty jsonl", () => written("empty.jsonl", ""), "a jsonl file, got an empty file"],
    [
      "truncated parquet",
      () => written("half.parquet", whole.subarray(0, whole.length >> 1)),
      "a complete parquet file, got a truncated or corrupt one",
    ],
    [
      "parquet without its last byte",
      () => written("short.parquet", whole.subarray(0, -1)),
      "a complete parquet file, got a truncated or corrupt one",
    ],
    ["flipped bytes", () => written("flipped.parquet", flipped), "a complete parquet file, got a truncated or corrupt one"],
    ["text named parquet", () => written("text.parquet", line()), "a complete parquet file, got a truncated or corrupt one"],
    ["no reward_model", () => fixture("verl-no-reward-model.parquet"), "data_source, prompt, ability, extra_info without reward_model"],
    ["no rows", () => fixture("verl-no-rows.parquet"), "at least one row, got none"],
    ["unknown codec", () => fixture("verl-lz4.parquet"), "a complete parquet file, got .*LZ4"],
    ["unknown extension", () => written("rows.csv", line()), "a file named .parquet or .jsonl, got .csv"],
    ["broken line", () => written("broken.jsonl", `${line()}\n{"a":\n`), "line 2 must be a JSON object"],
    ["blank line", () => written("blank.jsonl", `${line()}\n\n${line()}\n`), "line 2 must be a JSON object, got a blank line"],
    ["list line", () => written("list.jsonl", "[1]\n"), "line 1 must be a JSON object, got \\[1\\]"],
    [
      "missing column in a row",
      () => written("column.jsonl", line({ reward_model: undefined })),
      "row 0, reward_model must be {style, ground_truth}, got nothing",
    ],
  ])("%s is one clear DataError", async (_name, path, message) => {
    const at = path();
    const error = await loadPrompts(at).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(new RegExp(message));
    expect((error as Error).message).toContain(at);
    expect((error as Error).message).not.toContain("\n");
  });

  test("a file with nothing but malformed rows is an error also when rejecting", async () => {
    await expect(loadPrompts(written("bad.jsonl", line({ ability: 3 })), { onInvalid: "reject" })).rejects.toThrow(
      "none of 1 (first: row 0, ability must be math or code, got the number 3)",
    );
  });

  test("no file at all is refused", async () => {
    await expect(loadPrompts([])).rejects.toThrow("loadPrompts: paths must be at least one file, got none");
  });
});

describe("JSONL and names", () => {
  test("ids are row numbers unless every row has an index of its own", async () => {
    const ids = async (...indexes: unknown[]) =>
      (await loadPrompts(written("ids.jsonl", indexes.map((index) => line({ extra_info: { index } })).join("\n")))).map(
        (row) => row.promptId,
      );
    expect(await ids(7, 5)).toEqual(["7", "5"]);
    expect(await ids("a", "b")).toEqual(["a", "b"]);
    expect(await ids(7, 7)).toEqual(["0", "1"]);
    expect(await ids(7, undefined)).toEqual(["0", "1"]);
  });

  test("ids of several files carry the file's name, or its position where names repeat", async () => {
    const a = written("a.jsonl", line());
    const b = written("b.jsonl", line());
    expect((await loadPrompts([a, b])).map((row) => row.promptId)).toEqual(["a/0", "b/0"]);
    expect((await loadPrompts([a, a])).map((row) => row.promptId)).toEqual(["0-a/0", "1-a/0"]);
  });

  test("columns may have other names; a list as ground truth becomes JSON", async () => {
    const path = written(
      "named.jsonl",
      line({
        prompt: undefined,
        question: [{ role: "user", content: "q" }],
        data_source: undefined,
        origin: "o",
        reward_model: { ground_truth: ["1", "2"] },
      }),
    );
    const [row] = await loadPrompts(path, { promptKey: "question", dataSourceKey: "origin" });
    expect(row).toEqual({
      promptId: "0",
      dataSource: "o",
      messages: [{ role: "user", content: "q" }],
      ability: "math",
      groundTruth: '["1","2"]',
      extraInfo: {},
    });
  });

  test("conversations end with the assistant", async () => {
    const messages = [
      { role: "user", content: "q" },
      { role: "assistant", content: "a" },
    ];
    const path = written(
      "chat.jsonl",
      `${JSON.stringify({ messages, extra_info: { level: 2 } })}\n${JSON.stringify({ messages: messages.slice(0, 1) })}\n`,
    );
    await expect(loadConversations(path)).rejects.toThrow(
      `${path}: row 1, messages must be a list of 2 or more {role, content} messages, got a list of 1`,
    );
    const { rows, rejected } = await loadConversations(path, { onInvalid: "reject" });
    expect(rows).toEqual([{ conversationId: "0", messages, extraInfo: { level: 2 }, level: 2 }]);
    expect(rejected.map((reject) => reject.row)).toEqual([1]);
    await expect(loadConversations(fixture("verl-snappy.parquet"))).rejects.toThrow("without messages");
  });
});
