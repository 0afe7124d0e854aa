// What loading prompts and conversations share: files in order, one check per row, stable ids, faults as errors or rejects.
import { basename, extname } from "node:path";
import { ConfigError, DataError } from "@longcot/errors";
import type { RejectedRow } from "./prompt-row.ts";
import { readRows } from "./read-rows.ts";
import { RowFault, type RawRow } from "./row-fields.ts";

/** Rows that passed, each with its id, and rows that did not. */
export interface CheckedRows<Checked> {
  readonly rows: { readonly id: string; readonly checked: Checked }[];
  readonly rejected: RejectedRow[];
}

/**
 * Reads `paths` in order and checks every row.
 * @throws DataError for an unreadable file; when `onInvalid` is `error`, for the first row that fails its check; when no row passes.
 */
export async function loadRows<Checked extends { readonly extraInfo: Readonly<Record<string, unknown>> }>(
  who: string,
  paths: string | readonly string[],
  options: {
    readonly required: readonly string[];
    readonly onInvalid: "error" | "reject";
    readonly check: (row: RawRow) => Checked;
  },
): Promise<CheckedRows<Checked>> {
  const files = typeof paths === "string" ? [paths] : paths;
  if (files.length === 0)
    throw new ConfigError({
      who,
      argument: "paths",
      expected: "at least one file",
      received: "none",
    });
  const prefixes = idPrefixes(files);
  const rows: { id: string; checked: Checked }[] = [];
  const rejected: RejectedRow[] = [];
  for (const [f, file] of files.entries()) {
    const raw = await readRows(file, options.required);
    const passed: { row: number; checked: Checked }[] = [];
    for (const [row, value] of raw.rows.entries()) {
      try {
        passed.push({ row, checked: options.check(value) });
      } catch (fault) {
        if (!(fault instanceof RowFault)) throw fault;
        const { column, expected, received } = fault;
        if (options.onInvalid === "error") {
          throw new DataError({
            who: file,
            argument: `row ${row}, ${column}`,
            expected,
            received,
            fix: "Mend the row, or leave such rows out with onInvalid: reject",
            cause: fault,
          });
        }
        rejected.push({ file, row, column, expected, received });
      }
    }
    const ids = rowIds(passed);
    for (const [i, { checked }] of passed.entries()) rows.push({ id: prefixes[f]! + ids[i]!, checked });
  }
  if (rows.length === 0) {
    const first = rejected[0]!;
    throw new DataError({
      who,
      argument: "rows",
      expected: "at least one that passes",
      received: `none of ${rejected.length} (first: row ${first.row}, ${first.column} must be ${first.expected}, got ${first.received})`,
    });
  }
  return { rows, rejected };
}

/** `extra_info.index` of all rows if each has one of its own, else their row numbers. */
function rowIds(rows: readonly { row: number; checked: { extraInfo: Readonly<Record<string, unknown>> } }[]): string[] {
  const indexes = rows.map(({ checked }) => checked.extraInfo["index"]);
  const usable =
    indexes.every((index) => typeof index === "number" || (typeof index === "string" && index !== "")) &&
    new Set(indexes.map(String)).size === rows.length;
  return rows.map(({ row }, i) => String(usable ? indexes[i] : row));
}

/** Nothing for one file; else each file's name, with its position before it when two share a name. */
function idPrefixes(files: readonly string[]): string[] {
  if (files.length === 1) return [""];
  const names = files.map((file) => basename(file, extname(file)));
  const distinct = new Set(names).size === names.length;
  return names.map((name, i) => (distinct ? `${name}/` : `${i}-${name}/`));
}
