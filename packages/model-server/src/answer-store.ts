// Answers on disk, one JSON line each, written as they come: what was asked is not asked again, whatever ends the process.
import { cutTornLine, JsonlLog, readLog, type LineCheck } from "@longcot/durable-files";

export interface AnswerStore<Answer> {
  get(key: string): Answer | undefined;
  add(key: string, answer: Answer): void;
  close(): void;
}

/** A store that lasts as long as the process. */
export function memoryStore<Answer>(): AnswerStore<Answer> {
  const answers = new Map<string, Answer>();
  return { get: (key) => answers.get(key), add: (key, answer) => void answers.set(key, answer), close() {} };
}

/**
 * The store in the file `path`, made if it is not there; `isAnswer` knows the answer of a line from anything else. A last line that a killed process left half-written is cut off.
 * @throws DataError naming the line where any other is no answer.
 */
export function fileStore<Answer extends object>(path: string, isAnswer: (line: Answer) => boolean): AnswerStore<Answer> {
  const check: LineCheck<Answer & { key: string }> = {
    expected: "an answer written by this program",
    test: (line) => typeof line.key === "string" && isAnswer(line),
  };
  cutTornLine(path);
  const answers = new Map(readLog(path, check).map(({ key, ...answer }) => [key, answer as unknown as Answer]));
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
