// Writes the report of a run: report/index.html, and report/summary.svg once there is something to sum up.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import { readRecords } from "../run/records.ts";
import { readRunRecipe } from "../run/run-folder.ts";
import { renderPage } from "./page.ts";
import { renderSummary } from "./summary-figure.ts";

/**
 * Writes the report from what the run has recorded so far; finished or not, locked or not.
 * @returns the path of report/index.html.
 * @throws ConfigError if `runFolder` holds no run, DataError if one of its records is not JSON.
 */
export async function writeReport(runFolder: string): Promise<string> {
  const recipe = readRunRecipe(runFolder);
  const records = readRecords(runFolder);
  const folder = join(runFolder, "report");
  mkdirSync(folder, { recursive: true });
  const summary = renderSummary(recipe, records);
  if (summary !== undefined) atomicWrite(join(folder, "summary.svg"), summary);
  const page = join(folder, "index.html");
  atomicWrite(page, renderPage(recipe, records));
  return page;
}
