// Writes a study's report: index.html and data/, from the runs of a study's folder or again from the data of an earlier report.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import { judgeFindings } from "@longcot/entropy-dynamics";
import type { Finding } from "@longcot/entropy-dynamics";
import { readData, writeData } from "./data-files.ts";
import { resolveStudy } from "./load-study.ts";
import { runRows } from "./run-rows.ts";
import { collectStudy, studyRuns } from "./study-data.ts";
import type { StudyData } from "./study-data.ts";
import { readStudyRecipe, STUDY_FILE } from "./study-folder.ts";
import { renderStudyPage } from "./study-page.ts";

export interface StudyReport {
  /** Path of index.html. */
  page: string;
  findings: Finding[];
}

/**
 * Writes the report of the study in `folder`, finished or not, into its report/; of a report's own folder (one with
 * data/) again from its data.
 * @throws ConfigError, DataError if `folder` holds neither.
 */
export function writeStudyReport(folder: string): StudyReport {
  if (!existsSync(join(folder, STUDY_FILE)) && existsSync(join(folder, "data"))) return writePage(folder, readData(join(folder, "data")));
  return writePage(join(folder, "report"), collectStudy(resolveStudy(readStudyRecipe(folder)), folder));
}

function writePage(folder: string, data: StudyData): StudyReport {
  const rows = runRows(data);
  const findings = judgeFindings(studyRuns(data), { collapseFraction: data.record.collapse_fraction });
  mkdirSync(folder, { recursive: true });
  writeData(join(folder, "data"), data, rows, findings);
  const page = join(folder, "index.html");
  atomicWrite(page, renderStudyPage(data, rows, findings));
  return { page, findings };
}
