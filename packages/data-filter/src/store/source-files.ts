// Source files as rows: every format becomes one object of JSON's types a row, so that a file's own types never stand in the way.
import { globSync } from "node:fs";
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { DataError, isLongcotError } from "@longcot/errors";
import { isRecord } from "../row-fields.ts";
import { arrowRows } from "./arrow-rows.ts";
import type { ProblemStore } from "./problem-store.ts";
import { sqlText } from "./sql-text.ts";

/** A query for files of one extension as rows of one column, `json`. `.gz` behind the text formats is read too. */
const QUERIES: Readonly<Record<string, (path: string) => string>> = {
  parquet: (path) => `SELECT to_json(t) AS json FROM read_parquet(${sqlText(path)}) t`,
  jsonl: (path) => jsonQuery(path, "newline_delimited"),
  ndjson: (path) => jsonQuery(path, "newline_delimited"),
  json: (path) => jsonQuery(path, "auto"),
  csv: (path) => `SELECT to_json(t) AS json FROM read_csv(${sqlText(path)}, header = true, all_varchar = true) t`,
};

const jsonQuery = (path: string, format: string): string =>
  `SELECT json FROM read_json_objects(${sqlText(path)}, format = '${format}', maximum_object_size = 268435456)`;

const ARROW = ["arrow", "feather", "ipc"];

/** Extensions that are read. */
export const SOURCE_EXTENSIONS: readonly string[] = [...Object.keys(QUERIES), ...ARROW].map((extension) => `.${extension}`);

/**
 * The rows of `path` in file order, some at a time.
 * @throws DataError for another extension, a file that is truncated or corrupt, or a row that is no object.
 */
export async function* sourceRows(
  path: string,
  database: Pick<ProblemStore, "connection" | "stream">,
): AsyncIterable<Record<string, unknown>[]> {
  const extension = /\.([a-z]+)(\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  const query = QUERIES[extension]?.(path);
  if (query === undefined && !ARROW.includes(extension))
    throw new DataError({ who: path, expected: `a file named ${SOURCE_EXTENSIONS.join(", ")}`, received: extname(path) || "no extension" });
  let row = 0;
  const chunks = query === undefined ? arrowRows(path) : database.stream(query);
  while (true) {
    const chunk = await chunks.next().catch((cause: Error) => unreadable(path, cause));
    if (chunk.done === true) break;
    const rows =
      query === undefined
        ? (chunk.value as Record<string, unknown>[])
        : (chunk.value as [string][]).map(([json], i) => parseObject(path, row + i, json));
    if (rows.length > 0) yield rows;
    row += rows.length;
  }
  if (row === 0) throw new DataError({ who: path, expected: "at least one row", received: "none" });
  if (query === undefined) return;
  const rows = Number((await database.connection.runAndReadAll(`SELECT count(*) FROM (${query})`)).getRowsJS()[0]![0]);
  if (rows !== row) throw new DataError({ who: path, expected: `internal: all of its ${rows} rows read`, received: `${row}` });
}

function unreadable(path: string, cause: Error): never {
  if (isLongcotError(cause)) throw cause;
  throw new DataError({
    who: path,
    expected: "a complete, readable file of its format",
    received: `a truncated or corrupt one (${cause.message.split("\n")[0]!})`,
    cause,
  });
}

/** A text, or a number that JSON has no word for. */
const TEXT_OR_NOT_FINITE = /"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity|nan|inf(?:inity)?)\b/g;

/** JSON as databases and Python write it: NaN and infinities, which are none, come as text, to be named by whoever wants a number. */
function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return JSON.parse(json.replaceAll(TEXT_OR_NOT_FINITE, (part) => (part.startsWith('"') ? part : `"${part}"`)));
  }
}

function parseObject(path: string, row: number, json: string): Record<string, unknown> {
  const value = parseJson(json);
  if (!isRecord(value)) throw new DataError({ who: path, argument: `row ${row}`, expected: "a JSON object", received: json.slice(0, 60) });
  return value;
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
