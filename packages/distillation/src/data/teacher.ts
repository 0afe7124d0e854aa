// What a teacher is to the rest: somebody who answers questions, a few at a time.
import type { Message } from "../sft/example.ts";

/** One sample asked of one problem. */
export interface TeacherQuestion {
  /** Place of the problem in the data: keys random draws. */
  readonly problem: number;
  readonly sample: number;
  readonly messages: readonly Message[];
}

export interface TeacherAnswer {
  /** The assistant's message, with its reasoning in `<think>…</think>` where it has some. */
  readonly text: string;
  /** Cut at the cap. */
  readonly truncated: boolean;
  /** Name of the teacher. */
  readonly teacher: string;
  /** Tokens; absent where the teacher does not count them. */
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  /** Why the teacher would not answer this question; `text` is empty then. */
  readonly refused?: string;
}

export interface Teacher {
  readonly name: string;
  /** Calls of `ask` at a time. */
  readonly slots: number;
  /** Questions of one call, at most. */
  readonly questionsPerCall: number;
  /** How long answers under way are waited for after an abort, since they will be paid for; 0: not at all. */
  readonly graceMs: number;
  /**
   * Answers in the order of the questions.
   * @throws whatever makes this teacher useless from now on; the signal's reason once it is aborted.
   */
  ask(questions: readonly TeacherQuestion[], signal: AbortSignal): Promise<TeacherAnswer[]>;
}
