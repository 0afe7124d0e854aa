// The formats that problems come in, each read into the same rows. Arrow files are written here by arrow-js, and by pyarrow and `datasets`
// where Python has them.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { afterAll, describe, expect, test } from "vitest";
import { loadPrompts } from "../load-prompts.ts";
import { runPipeline } from "../run-pipeline.ts";
import { checkSchema } from "../steps/check-schema.ts";

const folder = mkdtempSync(join(tmpdir(), "longcot-formats-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);
const read = async (name: string) => {
  const work = mkdtempSync(path("work-"));
  const output = join(work, "out.jsonl");
  const result = await runPipeline({ sources: [{ files: [path(name)] }], steps: [checkSchema()], output, folder: work });
  return { result, rows: await loadPrompts(output) };
};

const PROBLEMS = Array.from({ length: 1500 }, (_, i) => ({
  problem: `What is ${i} + 1, é?`,
  answer: String(i + 1),
  source: i % 2 === 0 ? "a" : "b",
}));
const lines = PROBLEMS.map((problem) => `${JSON.stringify(problem)}\n`).join("");
const table = tableFromArrays({
  problem: PROBLEMS.map(({ problem }) => problem),
  answer: PROBLEMS.map(({ answer }) => answer),
  source: PROBLEMS.map(({ source }) => source),
});
const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "rows.jsonl": lines,
  "rows.ndjson": lines,
  "rows.jsonl.gz": gzipSync(lines),
  "rows.json": JSON.stringify(PROBLEMS),
  "rows.csv": `problem,answer,source\n${PROBLEMS.map(({ problem, answer, source }) => `"${problem}",${answer},${source}\n`).join("")}`,
  "file.arrow": tableToIPC(table, "file"),
  "stream.arrow": tableToIPC(table, "stream"),
  "rows.feather": tableToIPC(table, "file"),
};

test.each(Object.keys(FILES))("%s", async (name) => {
  writeFileSync(path(name), FILES[name]!);
  const { rows } = await read(name);
  expect(rows.map(({ messages, groundTruth, dataSource }) => [messages[0]!.content, groundTruth, dataSource])).toEqual(
    PROBLEMS.map(({ problem, answer, source }) => [problem, answer, source]),
  );
});

test("numbers that JSON has no word for are named, not choked on", async () => {
  const rows = [1, "NaN", "-Infinity", 2].map(
    (failed, i) =>
      `{"prompt": "What is ${i}+1? NaN", "answer": "${i + 1}", "data_source": "s", "extra_info": {"model_difficulty": {"m": ${failed}}}}\n`,
  );
  writeFileSync(path("nan.jsonl"), rows.join(""));
  const { result, rows: left } = await read("nan.jsonl");
  expect(result.steps[1]!.dropped).toEqual({ "difficulty-out-of-range": 2 });
  expect(result.examples.map(({ detail }) => detail)).toEqual(['m failed "NaN" of 16 rollouts', 'm failed "-Infinity" of 16 rollouts']);
  expect(left[0]!.messages[0]!.content).toBe("What is 0+1? NaN");
});

test.each([
  ["cut.arrow", () => FILES["stream.arrow"]!.slice(0, 9000), "a truncated or corrupt one"],
  ["cut.feather", () => FILES["rows.feather"]!.slice(0, 9000), "a truncated or corrupt one"],
  ["other.arrow", () => "this is no Arrow file, whatever its name says", "a truncated or corrupt one"],
  ["rows.xlsx", () => "anything", "expected a file named .parquet, .jsonl"],
])("%s is refused in one line", async (name, content, message) => {
  writeFileSync(path(name), content());
  await expect(read(name)).rejects.toThrow(message);
});

const PYTHON = process.env["LONGCOT_PYTHON"] ?? "python3";
const hasDatasets = spawnSync(PYTHON, ["-c", "import pyarrow, datasets"]).status === 0;
describe.skipIf(!hasDatasets)(`Python${hasDatasets ? "" : ` (left out: ${PYTHON} has no datasets)`}`, () => {
  const python = (script: string, ...args: string[]): string => execFileSync(PYTHON, ["-c", script, ...args], { encoding: "utf8" });

  test("Arrow of pyarrow and datasets is read: nested, compressed, of large and viewed texts", { timeout: 60_000 }, async () => {
    python(
      `import sys, pyarrow as pa, pyarrow.feather as feather, datasets
rows = [{"data_source": "s", "prompt": [{"role": "user", "content": f"What is {i}+1?"}], "ability": "math",
         "reward_model": {"style": "rule", "ground_truth": str(i + 1)},
         "extra_info": {"index": i, "model_difficulty": {"m": float("nan") if i == 3 else float(i % 5)}}} for i in range(3000)]
table = pa.Table.from_pylist(rows)
feather.write_feather(table, sys.argv[1] + "/zstd.feather", compression="zstd")
feather.write_feather(table, sys.argv[1] + "/lz4.feather")
datasets.Dataset.from_list(rows).save_to_disk(sys.argv[1] + "/saved")
texts = pa.table({"problem": pa.array(["a?", "b?"], pa.large_string()), "answer": pa.array(["1", "2"], pa.string_view()), "source": pa.array(["x", "x"]).dictionary_encode()})
with pa.ipc.new_file(sys.argv[1] + "/texts.arrow", texts.schema) as writer: writer.write_table(texts)`,
      folder,
    );
    copyFileSync(path("saved/data-00000-of-00001.arrow"), path("saved.arrow"));
    for (const name of ["zstd.feather", "saved.arrow"]) {
      const { result, rows } = await read(name);
      expect(result.steps[1]!.dropped).toEqual({ "difficulty-out-of-range": 1 });
      expect(rows).toHaveLength(2999);
      expect(rows[3]).toMatchObject({ groundTruth: "5", extraInfo: { index: 4, model_difficulty: { m: 4 } } });
    }
    expect((await read("texts.arrow")).rows.map(({ groundTruth }) => groundTruth)).toEqual(["1", "2"]);
    await expect(read("lz4.feather")).rejects.toThrow("got LZ4");
  });

  test("what the pipeline writes is read by pyarrow and datasets, with verl's schema", { timeout: 60_000 }, async () => {
    writeFileSync(path("rows.jsonl"), lines);
    const output = path("written.parquet");
    await runPipeline({ sources: [{ files: [path("rows.jsonl")] }], steps: [checkSchema()], output, folder: path("written") });
    const seen = python(
      `import sys, pyarrow.parquet as pq, datasets
table = pq.read_table(sys.argv[1]); table.validate(full=True)
row = datasets.load_dataset("parquet", data_files=sys.argv[1], split="train", cache_dir=sys.argv[2])[1]
print(table.num_rows, table.column_names, row["prompt"], row["reward_model"], row["data_source"], row["ability"])`,
      output,
      path("cache"),
    );
    expect(seen.trim()).toBe(
      "1500 ['data_source', 'prompt', 'ability', 'reward_model', 'extra_info'] [{'role': 'user', 'content': 'What is 1 + 1, é?'}] {'style': 'rule', 'ground_truth': '2'} b math",
    );
    expect(readFileSync(output).subarray(0, 4).toString()).toBe("PAR1");
  });
});
