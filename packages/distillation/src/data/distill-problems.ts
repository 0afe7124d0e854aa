// Answers to a block of problems, asked in rounds until each has enough good ones or its budget is spent.
import type { Message } from "../sft/example.ts";
import type { AnswerLog } from "./answer-log.ts";
import type { TeacherPool } from "./ask-teachers.ts";
import { checkBudget, nextSamples, type SampleBudget } from "./budget.ts";
import type { AnswerFault } from "./check-answer.ts";
import { createAnswerSet } from "./near-duplicates.ts";
import type { Teacher, TeacherAnswer, TeacherQuestion } from "./teacher.ts";

export interface DistilledProblem {
  /** Place in the data. */
  readonly index: number;
  /** What the teacher is asked. */
  readonly messages: readonly Message[];
}

/** An answer and what became of it. */
export interface JudgedAnswer extends TeacherAnswer {
  readonly sample: number;
  /** Why it is not learnt from: a fault of its text, the verifier's outcome, `duplicate`, or `surplus` beyond what was wanted; absent: it is kept. */
  readonly rejected?: AnswerFault | "duplicate" | "surplus" | (string & {});
  /** Whether the verifier calls it right; absent where it was not asked. */
  readonly correct?: boolean;
}

export interface DistillOptions<Problem extends DistilledProblem> {
  readonly teachers: TeacherPool;
  readonly budget: SampleBudget;
  /** What an answer's text becomes before anything judges it, such as `cutAfterAnswer`; the log keeps what came. Absent: it stays. */
  readonly clean?: (text: string) => string;
  /** Says why a text is unfit: {@link answerChecker}. */
  readonly check: (answer: TeacherAnswer) => AnswerFault | undefined;
  /** The verifier: whether each answer is right, and its outcome. Absent: every fit answer is good. */
  readonly verify?: (answers: readonly { problem: Problem; answer: TeacherAnswer }[]) => Promise<{ correct: boolean; outcome: string }[]>;
  /** Jaccard similarity from which two answers to a problem are duplicates. */
  readonly duplicateThreshold: number;
  /** Of the good answers to a problem, which `budget.wanted` are kept. */
  readonly prefer: "first" | "shortest";
  readonly log: AnswerLog;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { round: number; answered: number; asked: number }) => void;
  readonly onTeacherLost?: (teacher: Teacher, error: unknown) => void;
}

/**
 * The answers to every problem, in the order of `problems` and of their samples. What the log holds is not asked again.
 * @throws as {@link TeacherPool.ask}; ConfigError for a budget that does not fit.
 */
export async function distillProblems<Problem extends DistilledProblem>(
  problems: readonly Problem[],
  options: DistillOptions<Problem>,
): Promise<JudgedAnswer[][]> {
  const { teachers, clean = (text) => text, check, verify, log, signal, onProgress, onTeacherLost } = options;
  const budget = checkBudget(options.budget);
  const states = problems.map((problem) => ({ problem, judged: [] as JudgedAnswer[], set: createAnswerSet(options.duplicateThreshold) }));
  const goodOf = ({ judged }: (typeof states)[number]) => judged.filter(({ rejected }) => rejected === undefined).length;
  const cleaned = (answer: TeacherAnswer): TeacherAnswer => ({ ...answer, text: clean(answer.text) });
  for (let round = 1; ; round++) {
    const wanted = states.flatMap((state) =>
      Array.from({ length: nextSamples({ asked: state.judged.length, good: goodOf(state) }, budget) }, (_, i) => ({
        state,
        question: { problem: state.problem.index, sample: state.judged.length + i, messages: state.problem.messages },
      })),
    );
    if (wanted.length === 0) break;
    const open = wanted.map(({ question }) => question).filter((question) => log.get(question) === undefined);
    let answered = wanted.length - open.length;
    const show = () => onProgress?.({ round, answered, asked: wanted.length });
    show();
    await teachers.ask(open, {
      ...(signal === undefined ? {} : { signal }),
      ...(onTeacherLost === undefined ? {} : { onTeacherLost }),
      onAnswer: (answer, question: TeacherQuestion) => {
        log.add(question, answer);
        answered++;
        show();
      },
    });
    const fresh = wanted.map(({ state, question }) => ({ state, sample: question.sample, answer: cleaned(log.get(question)!) }));
    const faults = fresh.map(({ answer }) => check(answer));
    const fit = fresh.filter((_, i) => faults[i] === undefined);
    const verdicts = new Map(
      verify === undefined
        ? []
        : (await verify(fit.map(({ state, answer }) => ({ problem: state.problem, answer })))).map(
            (verdict, i) => [fit[i]!, verdict] as const,
          ),
    );
    fresh.forEach((item, i) => {
      const verdict = verdicts.get(item);
      const rejected =
        faults[i] ?? (verdict?.correct === false ? verdict.outcome : item.state.set.add(item.answer.text) ? undefined : "duplicate");
      item.state.judged.push({
        ...item.answer,
        sample: item.sample,
        ...(rejected === undefined ? {} : { rejected }),
        ...(verdict === undefined ? {} : { correct: verdict.correct }),
      });
    });
  }
  return states.map(({ judged }) => keepWanted(judged, budget.wanted, options.prefer));
}

/** `judged` with the good answers beyond `wanted` marked as surplus. */
function keepWanted(judged: readonly JudgedAnswer[], wanted: number, prefer: "first" | "shortest"): JudgedAnswer[] {
  const good = judged.filter(({ rejected }) => rejected === undefined);
  const lengthOf = ({ completionTokens, text }: JudgedAnswer) => completionTokens ?? text.length;
  const ordered = prefer === "first" ? good : good.toSorted((a, b) => lengthOf(a) - lengthOf(b) || a.sample - b.sample);
  const kept = new Set(ordered.slice(0, wanted));
  return judged.map((answer) => (answer.rejected === undefined && !kept.has(answer) ? { ...answer, rejected: "surplus" } : answer));
}
