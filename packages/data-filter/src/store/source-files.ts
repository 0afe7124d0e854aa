// Source files as SQL: every format becomes one JSON object a row, so that a file's own types never stand in the way.
import { globSync } from "node:fs";
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { DataError } from "@longcot/errors";
import { sqlText } from "./sql-text.ts";

/** Reads files of one extension as rows of one column, `json`. */
const READERS: Readonly<Record<string, (path: string) => string>> = {
  ".parquet": (path) => `SELECT to_json(t) AS json FROM read_parquet(${sqlText(path)}) t`,
  ".jsonl": (path) => `SELECT json FROM read_json_objects(${sqlText(path)}, format = 'newline_delimited', maximum_object_size = 268435456)`,
  ".csv": (path) => `SELECT to_json(t) AS json FROM read_csv(${sqlText(path)}, header = true, all_varchar = true) t`,
};

/** Extensions that are read. */
export const SOURCE_EXTENSIONS: readonly string[] = Object.keys(READERS);

/** A query for the rows of `path`, in file order. @throws DataError for another extension. */
export function rowsQuery(path: string): string {
  const reader = READERS[extname(path).toLowerCase()];
  if (reader === undefined)
    throw new DataError({ who: path, expected: `a file named ${SOURCE_EXTENSIONS.join(", ")}`, received: extname(path) || "no extension" });
  return reader(path);
}

/**
 * The files that `patterns` name, in order; those of a glob sorted.
 * @throws DataError where a pattern names no file, or an empty one.
 */
export async function expandPaths(patterns: readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  for (const pattern of patterns) {
    const found = /[*?[{]/.test(pattern) ? globSync(pattern).toSorted() : [pattern];
    if (found.length === 0) throw new DataError({ who: pattern, expected: "a pattern of existing files", received: "no match" });
    paths.push(...found);
  }
  for (const path of paths) {
    const entry = await stat(path).catch((cause: NodeJS.ErrnoException) => {
      throw new DataError({
        who: path,
        expected: "a readable file",
        received: cause.code === "ENOENT" ? "no such file" : cause.message,
        cause,
      });
    });
    if (!entry.isFile()) throw new DataError({ who: path, expected: "a file", received: "a folder" });
    if (entry.size === 0) throw new DataError({ who: path, expected: "a file with rows", received: "an empty file" });
  }
  return paths;
}

/** What tells whether a file is the one it was: path, size, time of change. */
export async function fingerprint(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${path} ${size} ${mtimeMs}`;
}
