// Answers on disk as they come, a JSON line each: what was answered is not asked again, whatever ends the process.
import { cutTornLine, JsonlLog, readLog, type LineCheck } from "@longcot/durable-files";
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
  cutTornLine(path);
  const answers = new Map(readLog(path, ANSWER_LINE).map(({ problem, sample, ...answer }) => [keyOf({ problem, sample }), answer]));
  const log = new JsonlLog(path);
  return {
    get: (place) => answers.get(keyOf(place)),
    add({ problem, sample }, answer) {
      answers.set(keyOf({ problem, sample }), answer);
      log.append([JSON.stringify({ problem, sample, ...answer })]);
    },
    close() {
      log.sync();
      log.close();
    },
  };
}

const keyOf = ({ problem, sample }: Place): string => `${problem}/${sample}`;

const ANSWER_LINE: LineCheck<TeacherAnswer & Place> = {
  expected: "an answer written by this program",
  test: ({ text, problem, sample }) => typeof text === "string" && Number.isInteger(problem) && Number.isInteger(sample),
};
