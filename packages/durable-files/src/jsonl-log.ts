// An append-only file of one JSON value a line: a last line that a killed process left half-written is known and cut, and the whole file can be cut back.
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { DataError } from "@longcot/errors";
import { writeWhole } from "./atomic.ts";

/** A JSONL file open for appending, made with its folder if it is not there. */
export class JsonlLog {
  readonly path: string;
  readonly #fd: number;

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, "a");
  }

  /** Bytes written so far. */
  get size(): number {
    return fstatSync(this.#fd).size;
  }

  /** Appends lines (each without its newline) in one write. */
  append(lines: readonly string[]): void {
    writeWhole(this.#fd, lines.map((line) => `${line}\n`).join(""));
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

/** What every line of a log is: a name for errors, and the test. */
export interface LineCheck<T> {
  readonly expected: string;
  readonly test: (value: T) => boolean;
}

/**
 * The values of a JSONL file; none if it does not exist. A last line without newline (being written) is left out.
 * @throws DataError naming file and line of what is not JSON, or not what `check` asks for.
 */
export function readLog<T>(path: string, check?: LineCheck<T>): T[] {
  if (!existsSync(path)) return [];
  const expected = check?.expected ?? "one JSON value";
  return wholeLines(path).map((line, i) => {
    const refuse = (cause?: unknown): never => {
      throw new DataError({ who: `${path}:${i + 1}`, expected, received: JSON.stringify(line.slice(0, 60)), cause });
    };
    let value: T;
    try {
      value = JSON.parse(line) as T;
    } catch (cause) {
      return refuse(cause);
    }
    return check === undefined || (value !== null && check.test(value)) ? value : refuse();
  });
}

/** Line by line: the whole file may be longer than a string can be. */
function wholeLines(path: string): string[] {
  const bytes = readFileSync(path);
  const lines: string[] = [];
  let start = 0;
  for (let newline: number; (newline = bytes.indexOf(10, start)) >= 0; start = newline + 1)
    lines.push(bytes.toString("utf8", start, newline));
  return lines;
}
