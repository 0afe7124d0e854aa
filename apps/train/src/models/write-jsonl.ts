// Writes JSONL whole or not at all: aside, flushed, renamed.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
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
  const aside = join(dirname(path), `.aside-${process.pid}-${basename(path)}`);
  const file = openSync(aside, "w");
  try {
    let count = 0;
    let pending = "";
    const flush = (): void => {
      const bytes = Buffer.from(pending);
      for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
      pending = "";
    };
    for (const row of rows) {
      pending += `${JSON.stringify(row)}\n`;
      count++;
      if (pending.length >= CHUNK_CHARACTERS) flush();
    }
    flush();
    fsyncSync(file);
    closeSync(file);
    renameSync(aside, path);
    return count;
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}

/** Float32 values in the fewest digits that bring them back exactly. */
export function shortFloats(values: Float32Array): number[] {
  return Array.from(values, (value) => Number(value.toPrecision(9)));
}
