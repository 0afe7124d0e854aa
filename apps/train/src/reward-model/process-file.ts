// What a process reward model's folder says beside config and weights: how its answers are cut into steps.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "@longcot/errors";

/** Beside config.json; transformers does not look at it. */
export const PROCESS_FILE = "process_reward.json";

export function writeStepSeparator(directory: string, separator: string): void {
  writeFileSync(join(directory, PROCESS_FILE), `${JSON.stringify({ step_separator: separator }, undefined, 2)}\n`);
}

/** What stands between two steps for the model in `directory`. @throws DataError where the file is missing or says something else. */
export function readStepSeparator(directory: string): string {
  const path = join(directory, PROCESS_FILE);
  const expected = 'a file of {"step_separator": "…"}: what stands between two steps of an answer';
  if (!existsSync(path)) throw new DataError({ who: path, expected, received: "no such file" });
  const text = readFileSync(path, "utf8");
  let separator: unknown;
  try {
    separator = (JSON.parse(text) as { step_separator?: unknown } | null)?.step_separator;
  } catch (cause) {
    throw new DataError({ who: path, expected, received: JSON.stringify(text.slice(0, 60)), cause });
  }
  if (typeof separator !== "string" || separator === "")
    throw new DataError({ who: path, expected, received: JSON.stringify(text.slice(0, 60)) });
  return separator;
}
