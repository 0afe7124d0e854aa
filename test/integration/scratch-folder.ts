// A new empty folder for what one test file makes; it goes when the process ends.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Path of a new empty folder. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "longcot-integration-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
