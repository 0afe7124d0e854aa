// Rows to a parquet or JSONL file, which appears whole or not at all.
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import { DataError } from "@longcot/errors";
import { parquetWriteBuffer } from "hyparquet-writer";
import { schemaElements, toParquetValue, type FieldType } from "./parquet-fields.ts";
import { formatOf } from "./read-rows.ts";

/** A column to write: its name, its type in parquet, and one value a row. */
export interface WrittenColumn {
  readonly name: string;
  readonly type: FieldType;
  readonly values: readonly unknown[];
}

/**
 * Writes `columns`, all of one length, in the format that the extension of `path` names; makes the folder.
 * @throws DataError for another extension or no rows; the file system's own error when it cannot write.
 */
export async function writeRows(path: string, columns: readonly WrittenColumn[]): Promise<void> {
  const format = formatOf(path);
  if (columns[0]!.values.length === 0) throw new DataError({ who: path, expected: "at least one row to write", received: "none" });
  await mkdir(dirname(path), { recursive: true });
  atomicWrite(path, format === "parquet" ? parquetBytes(columns) : jsonLines(columns));
}

function parquetBytes(columns: readonly WrittenColumn[]): Uint8Array {
  const schema = [{ name: "schema", num_children: columns.length }, ...columns.flatMap(({ name, type }) => schemaElements(name, type))];
  const columnData = columns.map(({ name, type, values }) => ({
    name,
    data: values.map((value) => toParquetValue(value, type)),
  }));
  return new Uint8Array(parquetWriteBuffer({ schema, columnData, createdBy: "longcot" }));
}

function jsonLines(columns: readonly WrittenColumn[]): Uint8Array {
  const lines = columns[0]!.values.map((_, row) =>
    JSON.stringify(Object.fromEntries(columns.map(({ name, values }) => [name, values[row]])), checkJsonNumber),
  );
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/** A JSON replacer that refuses what JSON would lose or change. */
function checkJsonNumber(key: string, value: unknown): unknown {
  if (typeof value !== "bigint" && !(typeof value === "number" && !Number.isFinite(value))) return value;
  throw new DataError({
    who: "writing JSONL",
    argument: key,
    expected: "a finite number that JSON holds exactly",
    received: String(value),
    fix: "Write parquet instead",
  });
}
