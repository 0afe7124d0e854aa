// Answers on disk, one JSON line each, written as they come: what was asked is not asked again, whatever ends the process.
import { cutTornLine, JsonlLog, readLog, type LineCheck } from "@longcot/durable-files";
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
  cutTornLine(path);
  const answers = new Map(readLog(path, ANSWER_LINE).map(({ key, ...answer }) => [key, answer]));
  const log = new JsonlLog(path);
  return {
    get: (key) => answers.get(key),
    add(key, answer) {
      answers.set(key, answer);
      log.append([JSON.stringify({ key, ...answer })]);
    },
    close() {
      log.sync();
      log.close();
    },
  };
}

const ANSWER_LINE: LineCheck<Answer & { key: string }> = {
  expected: "an answer written by this program",
  test: ({ key, text }) => typeof key === "string" && typeof text === "string",
};
