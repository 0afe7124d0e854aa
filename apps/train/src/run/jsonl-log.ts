// An append-only file of one JSON value a line, which can be cut back to what a checkpoint remembers.
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { DataError } from "@longcot/errors";

/** A JSONL file open for appending. */
export class JsonlLog {
  readonly path: string;
  readonly #fd: number;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, "a");
  }

  /** Bytes written so far. */
  get size(): number {
    return fstatSync(this.#fd).size;
  }

  /** Appends lines (each without its newline) in one write. */
  append(lines: readonly string[]): void {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    for (let written = 0; written < bytes.length;) written += writeSync(this.#fd, bytes, written);
  }

  /** Waits until everything appended is on the disk. */
  sync(): void {
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Cuts the file to its first `size` bytes; a missing file counts as empty. @throws DataError if it is shorter than that. */
export function cutLog(path: string, size: number): void {
  const fd = openSync(path, "a+");
  try {
    const actual = fstatSync(fd).size;
    if (actual < size)
      throw new DataError({ who: path, expected: `at least the ${size} bytes that the checkpoint remembers`, received: `${actual} bytes` });
    ftruncateSync(fd, size);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Cuts off a last line that a killed process left half-written; a missing file has none. */
export function cutTornLine(path: string): void {
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  const whole = bytes.lastIndexOf("\n") + 1;
  if (whole < bytes.length) cutLog(path, whole);
}

/** The values of a JSONL file; none if it does not exist. A last line without newline (being written) is left out. @throws DataError naming a line that is not JSON. */
export function readLog<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as T;
    } catch (cause) {
      throw new DataError({ who: `${path}:${i + 1}`, expected: "one JSON value", received: JSON.stringify(line.slice(0, 60)), cause });
    }
  });
}
