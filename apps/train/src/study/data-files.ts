// The tables of a study as files: CSV, which reports are drawn from again, and the same as Arrow for everything else.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "@longcot/errors";
import type { Finding } from "@longcot/entropy-dynamics";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { csvFormat, csvParse } from "d3-dsv";
import { atomicWrite } from "../run/atomic.ts";
import type { RunRow } from "./run-rows.ts";
import type { EvaluationRow, StepRow, StudyData, StudyRecord } from "./study-data.ts";

const RECORD_FILE = "study.json";

/** Columns of text; every other column holds numbers. */
const TEXT_COLUMNS = new Set(["cell", "level", "status"]);

type Row = Readonly<Record<string, string | number | undefined>>;

/** Writes study.json, findings.json and the tables steps, evaluations and runs, each as CSV and as Arrow IPC file. */
export function writeData(folder: string, data: StudyData, runs: readonly RunRow[], findings: readonly Finding[]): void {
  mkdirSync(folder, { recursive: true });
  atomicWrite(join(folder, RECORD_FILE), `${JSON.stringify(data.record, null, 2)}\n`);
  atomicWrite(join(folder, "findings.json"), `${JSON.stringify(findings.map(finite), null, 2)}\n`);
  writeTable(join(folder, "steps"), data.steps);
  writeTable(join(folder, "evaluations"), data.evaluations);
  writeTable(join(folder, "runs"), runs);
}

/** Reads what {@link writeData} wrote. @throws DataError if a file is missing or of another version. */
export function readData(folder: string): StudyData {
  const path = join(folder, RECORD_FILE);
  if (!existsSync(path)) throw new DataError({ who: folder, expected: `a study's data (a folder with ${RECORD_FILE})`, received: "none" });
  const record = JSON.parse(readFileSync(path, "utf8")) as StudyRecord;
  if (record.schema_version !== 1)
    throw new DataError({ who: path, argument: "schema_version", expected: "1", received: String(record.schema_version) });
  return {
    record,
    steps: readTable(join(folder, "steps.csv")) as unknown as StepRow[],
    evaluations: readTable(join(folder, "evaluations.csv")) as unknown as EvaluationRow[],
  };
}

/** A metric that a row lacks is an empty cell in CSV and NaN in Arrow. */
function writeTable(path: string, table: readonly object[]): void {
  const rows = table as readonly Row[];
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  atomicWrite(`${path}.csv`, `${csvFormat(rows as Record<string, string | number>[], columns)}\n`);
  const arrays = Object.fromEntries(
    columns.map((column) => [
      column,
      TEXT_COLUMNS.has(column)
        ? rows.map((row) => String(row[column] ?? ""))
        : Float64Array.from(rows, (row) => (typeof row[column] === "number" ? row[column] : Number.NaN)),
    ]),
  );
  atomicWrite(`${path}.arrow`, tableToIPC(tableFromArrays(arrays), "file"));
}

function readTable(path: string): Row[] {
  if (!existsSync(path)) throw new DataError({ who: path, expected: "a table of a study", received: "no such file" });
  return csvParse(readFileSync(path, "utf8")).map((row) =>
    Object.fromEntries(
      Object.entries(row)
        .filter(([, text]) => text !== "")
        .map(([column, text]) => [column, TEXT_COLUMNS.has(column) ? text : Number(text)]),
    ),
  );
}

/** JSON has no infinity: a bound that one seed leaves open is absent. */
function finite(finding: Finding): unknown {
  return JSON.parse(
    JSON.stringify(finding, (_, value: unknown) => (typeof value === "number" && !Number.isFinite(value) ? undefined : value)),
  );
}
