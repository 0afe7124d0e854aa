// Questions to several teachers at once: whoever is free takes the next ones, and when one fails for good the others take over its own.
import { ConfigError, LongcotError } from "@longcot/errors";
import type { Teacher, TeacherAnswer, TeacherQuestion } from "./teacher.ts";

export interface AskOptions {
  /** Called with each answer as soon as it is there, before anything else is asked by the same slot. */
  readonly onAnswer: (answer: TeacherAnswer, question: TeacherQuestion) => void;
  /** A teacher failed and is asked no more. */
  readonly onTeacherLost?: (teacher: Teacher, error: unknown) => void;
  readonly signal?: AbortSignal;
}

export interface TeacherPool {
  /**
   * Asks every question once, of one teacher. After an abort nothing more is asked, and what is under way is waited for as each teacher's grace allows.
   * @throws LongcotError with the last failure as its cause where no teacher is left; the signal's reason when it is aborted. Answers that came before were given to `onAnswer`.
   */
  ask(questions: readonly TeacherQuestion[], options: AskOptions): Promise<void>;
}

/** A pool of `teachers`, which remembers those that failed. @throws ConfigError where there is none. */
export function createTeacherPool(teachers: readonly Teacher[]): TeacherPool {
  if (teachers.length === 0)
    throw new ConfigError({ who: "createTeacherPool", argument: "teachers", expected: "at least one", received: "none" });
  const lost = new Map<Teacher, unknown>();
  return {
    async ask(questions, { onAnswer, onTeacherLost, signal }) {
      const waiting = [...questions];
      let open = questions.length;
      // What goes wrong outside of a teacher stops all of them.
      const stop = new AbortController();
      const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      const aborted = new Promise<void>((resolve) => stopped.addEventListener("abort", () => resolve(), { once: true }));
      const timers: NodeJS.Timeout[] = [];
      /** The abort as `teacher` hears of it. */
      const lateFor = ({ graceMs }: Teacher): AbortSignal => {
        if (graceMs === 0) return stopped;
        const late = new AbortController();
        void aborted.then(() => timers.push(setTimeout(() => late.abort(stopped.reason), graceMs)));
        return late.signal;
      };
      let changed = Promise.withResolvers<void>();
      const lose = (teacher: Teacher, error: unknown): void => {
        if (lost.has(teacher)) return;
        lost.set(teacher, error);
        onTeacherLost?.(teacher, error);
      };
      const slot = async (teacher: Teacher): Promise<void> => {
        const late = lateFor(teacher);
        while (open > 0 && !lost.has(teacher)) {
          stopped.throwIfAborted();
          const taken = waiting.splice(0, teacher.questionsPerCall);
          if (taken.length === 0) {
            // Another slot may fail and give its questions back.
            await Promise.race([changed.promise, aborted]);
            continue;
          }
          const answers = await teacher.ask(taken, late).catch((error: unknown) => {
            stopped.throwIfAborted();
            lose(teacher, error);
          });
          if (answers === undefined) waiting.unshift(...taken);
          else {
            answers.forEach((answer, i) => onAnswer(answer, taken[i]!));
            open -= taken.length;
          }
          changed.resolve();
          changed = Promise.withResolvers<void>();
        }
      };
      // Every slot ends before this does: nothing is answered, and paid, behind the caller's back.
      await Promise.all(
        teachers.flatMap((teacher) =>
          Array.from({ length: Math.min(teacher.slots, questions.length) }, () =>
            slot(teacher).catch((error: unknown) => stop.abort(error)),
          ),
        ),
      );
      timers.forEach(clearTimeout);
      signal?.throwIfAborted();
      stop.signal.throwIfAborted();
      if (open === 0) return;
      const [[teacher, cause]] = [...lost].slice(-1) as [[Teacher, unknown]];
      throw new LongcotError({
        who: "teachers",
        expected: "one that answers",
        received: `none; the last, ${teacher.name}: ${cause instanceof Error ? cause.message : String(cause)}`,
        fix: "What was answered is kept: start again to go on",
        cause,
      });
    },
  };
}
