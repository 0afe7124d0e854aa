// Answers on disk, one JSON line each, written as they come: what was asked is not asked again, whatever ends the process.
import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { DataError } from "@longcot/errors";
import type { Answer } from "./question.ts";

export interface AnswerStore {
  get(key: string): Answer | undefined;
  add(key: string, answer: Answer): void;
  close(): void;
}

/** A store that lasts as long as the process. */
export function memoryStore(): AnswerStore {
  const answers = new Map<string, Answer>();
  return { get: (key) => answers.get(key), add: (key, answer) => void answers.set(key, answer), close() {} };
}

/**
 * The store in the file `path`, made if it is not there. A last line that a killed process left half-written is cut off.
 * @throws DataError naming the line where any other is no answer.
 */
export function fileStore(path: string): AnswerStore {
  mkdirSync(dirname(path), { recursive: true });
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const answers = new Map<string, Answer>();
  for (const [i, line] of whole.split("\n").slice(0, -1).entries()) {
    const { key, ...answer } = parseLine(path, i + 1, line);
    answers.set(key, answer);
  }
  const fd = openSync(path, "a");
  if (whole.length < text.length) ftruncateSync(fd, Buffer.byteLength(whole));
  return {
    get: (key) => answers.get(key),
    add(key, answer) {
      answers.set(key, answer);
      writeSync(fd, `${JSON.stringify({ key, ...answer })}\n`);
    },
    close() {
      fsyncSync(fd);
      closeSync(fd);
    },
  };
}

function parseLine(path: string, line: number, text: string): Answer & { key: string } {
  try {
    const value = JSON.parse(text) as Answer & { key: string };
    if (typeof value.key === "string" && typeof value.text === "string") return value;
  } catch {
    // Named below.
  }
  throw new DataError({ who: path, argument: `line ${line}`, expected: "an answer written by this program", received: text.slice(0, 60) });
}
