// Rollouts with their texts as JSON lines or parquet, a step at a time: the file appears whole or not at all.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { extname } from "node:path";
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
];

/** Takes the rows of one step after the other. */
export interface RowsExport {
  write(rows: readonly SampleFacts[]): void;
  /** Puts the file into its place. */
  finish(): void;
  /** Leaves nothing behind. */
  abandon(): void;
}

/** An export to `path`, whose extension says the format. @throws ConfigError for another one than .jsonl and .parquet. */
export function openExport(path: string): RowsExport {
  const aside = `${path}.tmp`;
  const finish = (): void => {
    const fd = openSync(aside, "r+");
    fsyncSync(fd);
    closeSync(fd);
    renameSync(aside, path);
  };
  const abandon = (): void => rmSync(aside, { force: true });
  switch (extname(path)) {
    case ".jsonl": {
      const fd = openSync(aside, "w");
      return {
        write: (rows) => {
          const bytes = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
          for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
        },
        finish: () => {
          closeSync(fd);
          finish();
        },
        abandon: () => {
          closeSync(fd);
          abandon();
        },
      };
    }
    case ".parquet": {
      const schema = [{ name: "schema", num_children: COLUMNS.length }, ...COLUMNS.flatMap(schemaOf)];
      const writer = new ParquetWriter({ writer: fileWriter(aside), schema, createdBy: "longcot" });
      return {
        write: (rows) => void writer.write({ columnData: COLUMNS.map(([name]) => ({ name, data: rows.map((row) => row[name]) })) }),
        finish: () => {
          void writer.finish();
          finish();
        },
        abandon,
      };
    }
    default:
      throw new ConfigError({ who: "--export", expected: "a .jsonl or .parquet file", received: path });
  }
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
