// Answers on disk as they come, a JSON line each: what was answered is not asked again, whatever ends the process.
import { closeSync, existsSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { DataError } from "@longcot/errors";
import type { TeacherAnswer } from "./teacher.ts";

type Place = { readonly problem: number; readonly sample: number };

export interface AnswerLog {
  get(place: Place): TeacherAnswer | undefined;
  add(place: Place, answer: TeacherAnswer): void;
  close(): void;
}

/**
 * The log in the file `path`, made if it is not there. A last line that a killed process left half-written is cut off.
 * @throws DataError naming any other line that is no answer.
 */
export function openAnswerLog(path: string): AnswerLog {
  mkdirSync(dirname(path), { recursive: true });
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const answers = new Map<string, TeacherAnswer>();
  for (const [i, line] of whole.split("\n").slice(0, -1).entries()) {
    const { problem, sample, ...answer } = parseLine(path, i + 1, line);
    answers.set(keyOf({ problem, sample }), answer);
  }
  const fd = openSync(path, "a");
  if (whole.length < text.length) ftruncateSync(fd, Buffer.byteLength(whole));
  return {
    get: (place) => answers.get(keyOf(place)),
    add({ problem, sample }, answer) {
      answers.set(keyOf({ problem, sample }), answer);
      writeWhole(fd, `${JSON.stringify({ problem, sample, ...answer })}\n`);
    },
    close() {
      fsyncSync(fd);
      closeSync(fd);
    },
  };
}

const keyOf = ({ problem, sample }: Place): string => `${problem}/${sample}`;

function writeWhole(fd: number, line: string): void {
  const bytes = Buffer.from(line);
  for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
}

function parseLine(path: string, line: number, text: string): TeacherAnswer & Place {
  try {
    const value = JSON.parse(text) as TeacherAnswer & Place;
    if (typeof value.text === "string" && Number.isInteger(value.problem) && Number.isInteger(value.sample)) return value;
  } catch {
    // Named below.
  }
  throw new DataError({ who: path, argument: `line ${line}`, expected: "an answer written by this program", received: text.slice(0, 60) });
}
