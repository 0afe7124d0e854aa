// Rollouts with their texts as JSON lines or parquet, a step at a time: the file appears whole or not at all.
import { appendFileSync } from "node:fs";
import { extname } from "node:path";
import { atomicFile } from "@longcot/durable-files";
import { ConfigError } from "@longcot/errors";
import { fileWriter, ParquetWriter } from "hyparquet-writer";
import type { SampleFacts } from "./sample-facts.ts";

type Column = readonly [name: keyof SampleFacts, type: "INT32" | "FLOAT" | "STRING", isList?: "list"];

const COLUMNS: readonly Column[] = [
  ["step", "INT32"],
  ["stage", "INT32"],
  ["weight_version", "INT32"],
  ["prompt_id", "INT32"],
  ["sample_index", "INT32"],
  ["data_source", "STRING"],
  ["level", "INT32"],
  ["finish_reason", "STRING"],
  ["outcome", "STRING"],
  ["reward", "FLOAT"],
  ["advantage", "FLOAT"],
  ["response_length", "INT32"],
  ["prompt", "STRING"],
  ["response", "STRING"],
  ["prompt_tokens", "INT32", "list"],
  ["response_tokens", "INT32", "list"],
  ["response_mask", "INT32", "list"],
  ["rollout_log_probs", "FLOAT", "list"],
  ["old_log_probs", "FLOAT", "list"],
  ["ref_log_probs", "FLOAT", "list"],
  ["entropies", "FLOAT", "list"],
  ["top_k_mass", "FLOAT", "list"],
];

/** Takes the rows of one step after the other. */
export interface RowsExport {
  write(rows: readonly SampleFacts[]): void;
  finish(): void;
}

/** Writes what `fill` exports to `path`, whose extension says the format. @throws ConfigError for another one than .jsonl and .parquet. */
export async function exportRows(path: string, fill: (out: RowsExport) => Promise<void>): Promise<void> {
  const open = { ".jsonl": openJsonl, ".parquet": openParquet }[extname(path)];
  if (open === undefined) throw new ConfigError({ who: "--export", expected: "a .jsonl or .parquet file", received: path });
  await atomicFile(path, async (aside) => {
    const out = open(aside);
    await fill(out);
    out.finish();
  });
}

function openJsonl(path: string): RowsExport {
  return { write: (rows) => appendFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join("")), finish() {} };
}

function openParquet(path: string): RowsExport {
  const schema = [{ name: "schema", num_children: COLUMNS.length }, ...COLUMNS.flatMap(schemaOf)];
  const writer = new ParquetWriter({ writer: fileWriter(path), schema, createdBy: "longcot" });
  return {
    write: (rows) => void writer.write({ columnData: COLUMNS.map(([name]) => ({ name, data: rows.map((row) => row[name]) })) }),
    finish: () => void writer.finish(),
  };
}

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

function schemaOf([name, type, isList]: Column): SchemaElement[] {
  const element = (elementName: string): SchemaElement => ({
    name: elementName,
    repetition_type: "OPTIONAL",
    ...(type === "STRING" ? { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } } : { type }),
  });
  if (isList === undefined) return [element(name)];
  return [
    { name, repetition_type: "OPTIONAL", converted_type: "LIST", logical_type: { type: "LIST" }, num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    element("element"),
  ];
}
