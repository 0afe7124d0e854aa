// What a step finds out about a problem at a cost, on disk as it comes: an interrupted step goes on where it was, and a later run of other
// files asks nothing again that it knows. Results are named by what the problem says, not by its place.
import { createHash } from "node:crypto";
import { cutTornLine, JsonlLog, readLog, type LineCheck } from "@longcot/durable-files";

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
  cutTornLine(path);
  const own = JSON.stringify(options);
  const results = new Map<string, Result>();
  let isOwn = false;
  for (const { options: found, key, result } of readLog<ResultLine<Result>>(path, RESULT_LINE)) {
    if (found !== undefined) isOwn = JSON.stringify(found) === own;
    else if (isOwn) results.set(key!, result!);
  }
  const log = new JsonlLog(path);
  if (!isOwn) log.append([JSON.stringify({ options })]);
  return {
    get: (key) => results.get(key),
    add(found) {
      for (const [key, result] of found) results.set(key, result);
      log.append(found.map(([key, result]) => JSON.stringify({ key, result })));
    },
    close: () => log.close(),
  };
}

/** Options, and after them what was found with them. */
interface ResultLine<Result> {
  options?: object;
  key?: string;
  result?: Result;
}

const RESULT_LINE: LineCheck<ResultLine<unknown>> = {
  expected: "a result written by this program",
  test: ({ options, key, result }) => typeof options === "object" || (typeof key === "string" && result !== undefined),
};
