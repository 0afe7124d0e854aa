// A table as CSV and as Arrow IPC file: text columns by name, numbers everywhere else, an empty cell for what a row lacks.
import { existsSync, readFileSync } from "node:fs";
import { atomicWrite } from "@longcot/durable-files";
import { DataError } from "@longcot/errors";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { csvFormat, csvParse } from "d3-dsv";

export type DataRow = Readonly<Record<string, string | number | undefined>>;

/** Writes `path`.csv and `path`.arrow; what a row lacks is NaN in Arrow. */
export function writeTable(path: string, table: readonly object[], textColumns: ReadonlySet<string>): void {
  const rows = table as readonly DataRow[];
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  atomicWrite(`${path}.csv`, `${csvFormat(rows as Record<string, string | number>[], columns)}\n`);
  const arrays = Object.fromEntries(
    columns.map((column) => [
      column,
      textColumns.has(column)
        ? rows.map((row) => String(row[column] ?? ""))
        : Float64Array.from(rows, (row) => (typeof row[column] === "number" ? row[column] : Number.NaN)),
    ]),
  );
  atomicWrite(`${path}.arrow`, tableToIPC(tableFromArrays(arrays), "file"));
}

/** Reads `path`, a CSV file that {@link writeTable} wrote. @throws DataError if there is none. */
export function readTable(path: string, textColumns: ReadonlySet<string>): DataRow[] {
  if (!existsSync(path)) throw new DataError({ who: path, expected: "a table", received: "no such file" });
  return csvParse(readFileSync(path, "utf8")).map((row) =>
    Object.fromEntries(
      Object.entries(row)
        .filter(([, text]) => text !== "")
        .map(([column, text]) => [column, textColumns.has(column) ? text : Number(text)]),
    ),
  );
}
