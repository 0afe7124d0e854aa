// Writes JSONL whole or not at all.
import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import { ConfigError } from "@longcot/errors";

const CHUNK_CHARACTERS = 1 << 20;

/** Refuses an output that cannot be written, before any work is done for it. @throws ConfigError */
export function checkOutput(path: string): void {
  const folder = dirname(path);
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new ConfigError({ who: "--out", expected: "a file in a folder that exists", received: path });
  if (existsSync(path) && statSync(path).isDirectory())
    throw new ConfigError({ who: "--out", expected: "a file", received: `the folder ${path}` });
}

/** Replaces `path` by one line per row; returns how many. */
export function writeJsonl(path: string, rows: Iterable<object>): number {
  let count = 0;
  const chunks = function* (): Generator<string> {
    let pending = "";
    for (const row of rows) {
      pending += `${JSON.stringify(row)}\n`;
      count++;
      if (pending.length < CHUNK_CHARACTERS) continue;
      yield pending;
      pending = "";
    }
    yield pending;
  };
  atomicWrite(path, chunks());
  return count;
}

/** Float32 values in the fewest digits that bring them back exactly. */
export function shortFloats(values: Float32Array): number[] {
  return Array.from(values, (value) => Number(value.toPrecision(9)));
}
