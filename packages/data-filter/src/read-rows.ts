// Raw rows of one data file, by its extension. Every way a file can be unreadable is one DataError that names it.
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { DataError } from "@longcot/errors";
import { readParquetRows } from "./read-parquet.ts";
import { isRecord, type RawRow, type RawFile } from "./row-fields.ts";

/** File extensions that are read and written. */
export type DataFormat = "parquet" | "jsonl";

/** The format that a path's extension names. @throws DataError for any other extension. */
export function formatOf(path: string): DataFormat {
  switch (extname(path).toLowerCase()) {
    case ".parquet":
      return "parquet";
    case ".jsonl":
      return "jsonl";
    default:
      throw new DataError({
        who: path,
        expected: "a file named .parquet or .jsonl",
        received: extname(path) || "no extension",
      });
  }
}

/**
 * Rows of a parquet or JSONL file, in file order, at least one.
 * @throws DataError when the file is missing, empty, truncated, corrupt, has no rows, or lacks one of `required` columns.
 */
export async function readRows(path: string, required: readonly string[]): Promise<RawFile> {
  const format = formatOf(path);
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const received = cause.code === "ENOENT" ? "no such file" : cause.code === "EISDIR" ? "a folder" : cause.message;
    throw new DataError({ who: path, expected: "a readable file", received, cause });
  });
  if (bytes.length === 0) throw new DataError({ who: path, expected: `a ${format} file`, received: "an empty file" });
  const file = format === "parquet" ? await readParquetRows(path, bytes) : readJsonLines(path, bytes.toString("utf8"));
  const missing = required.filter((name) => file.columns !== undefined && !file.columns.includes(name));
  if (missing.length > 0) {
    throw new DataError({
      who: path,
      argument: "columns",
      expected: `${required.join(", ")} and any others`,
      received: `${file.columns!.join(", ")} without ${missing.join(", ")}`,
    });
  }
  if (file.rows.length === 0) throw new DataError({ who: path, expected: "at least one row", received: "none" });
  return file;
}

/** One JSON object a line; blank lines are an error, except after the last. */
function readJsonLines(path: string, text: string): RawFile {
  const lines = text.replace(/\r?\n$/, "").split("\n");
  const rows = lines.map((line, i): RawRow => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (cause) {
      throw new DataError({
        who: path,
        argument: `line ${i + 1}`,
        expected: "a JSON object",
        received: line.trim() === "" ? "a blank line" : (cause as Error).message,
        cause,
      });
    }
    if (!isRecord(value))
      throw new DataError({
        who: path,
        argument: `line ${i + 1}`,
        expected: "a JSON object",
        received: JSON.stringify(value).slice(0, 60),
      });
    return value;
  });
  return { rows, columns: undefined };
}
