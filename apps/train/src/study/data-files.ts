// The tables of a study as files: CSV, which reports are drawn from again, and the same as Arrow for everything else.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import { DataError } from "@longcot/errors";
import type { Finding } from "@longcot/entropy-dynamics";
import { readTable, writeTable } from "../run/data-table.ts";
import type { RunRow } from "./run-rows.ts";
import type { EvaluationRow, StepRow, StudyData, StudyRecord } from "./study-data.ts";

const RECORD_FILE = "study.json";

/** Columns of text; every other column holds numbers. */
const TEXT_COLUMNS = new Set(["cell", "level", "status"]);

/** Writes study.json, findings.json and the tables steps, evaluations and runs, each as CSV and as Arrow IPC file. */
export function writeData(folder: string, data: StudyData, runs: readonly RunRow[], findings: readonly Finding[]): void {
  mkdirSync(folder, { recursive: true });
  atomicWrite(join(folder, RECORD_FILE), `${JSON.stringify(data.record, null, 2)}\n`);
  atomicWrite(join(folder, "findings.json"), `${JSON.stringify(findings.map(finite), null, 2)}\n`);
  writeTable(join(folder, "steps"), data.steps, TEXT_COLUMNS);
  writeTable(join(folder, "evaluations"), data.evaluations, TEXT_COLUMNS);
  writeTable(join(folder, "runs"), runs, TEXT_COLUMNS);
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
    steps: readTable(join(folder, "steps.csv"), TEXT_COLUMNS) as unknown as StepRow[],
    evaluations: readTable(join(folder, "evaluations.csv"), TEXT_COLUMNS) as unknown as EvaluationRow[],
  };
}

/** JSON has no infinity: a bound that one seed leaves open is absent. */
function finite(finding: Finding): unknown {
  return JSON.parse(
    JSON.stringify(finding, (_, value: unknown) => (typeof value === "number" && !Number.isFinite(value) ? undefined : value)),
  );
}
