// What a step finds out about a problem at a cost, on disk as it comes: an interrupted step goes on where it was, and a later run of other
// files asks nothing again that it knows. Results are named by what the problem says, not by its place.
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { DataError } from "@longcot/errors";

export interface ResultFile<Result> {
  get(key: string): Result | undefined;
  /** Appends in one write. */
  add(results: readonly (readonly [key: string, result: Result])[]): void;
  close(): void;
}

/** The name of a problem's results: the same for the same texts. */
export function resultKey(...texts: readonly (string | null)[]): string {
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 32);
}

/**
 * Opens the results in `path` that were found with the same `options`; those of others stay in the file, unread. A last line that a killed
 * process left half-written is cut off.
 * @throws DataError naming a line that is no result.
 */
export function openResultFile<Result>(path: string, options: object): ResultFile<Result> {
  mkdirSync(dirname(path), { recursive: true });
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
  const own = JSON.stringify(options);
  const results = new Map<string, Result>();
  let isOwn = false;
  for (const [i, line] of whole.split("\n").slice(0, -1).entries()) {
    const entry = parseLine<Result>(path, i + 1, line);
    if (entry.options !== undefined) isOwn = JSON.stringify(entry.options) === own;
    else if (isOwn) results.set(entry.key!, entry.result!);
  }
  const fd = openSync(path, "a");
  if (!isOwn) writeSync(fd, `${JSON.stringify({ options })}\n`);
  return {
    get: (key) => results.get(key),
    add(found) {
      for (const [key, result] of found) results.set(key, result);
      writeSync(fd, found.map(([key, result]) => `${JSON.stringify({ key, result })}\n`).join(""));
    },
    close: () => closeSync(fd),
  };
}

function parseLine<Result>(path: string, line: number, text: string): { options?: object; key?: string; result?: Result } {
  try {
    const value = JSON.parse(text) as { options?: object; key?: string; result?: Result };
    if (typeof value.options === "object" || (typeof value.key === "string" && value.result !== undefined)) return value;
  } catch {
    // Named below.
  }
  throw new DataError({ who: path, argument: `line ${line}`, expected: "a result written by this program", received: text.slice(0, 60) });
}
