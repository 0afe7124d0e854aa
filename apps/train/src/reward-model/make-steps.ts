// The work of `longcot reward-model steps`: answers of a policy cut into steps, each step labelled by how often the policy, going on from it, is right.
import { existsSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { loadPrompts, writeStepwise } from "@longcot/data-filter";
import type { PromptRow } from "@longcot/data-filter";
import { ConfigError, DataError } from "@longcot/errors";
import { monteCarloLabels, splitSteps } from "@longcot/reward-model";
import { openSampleLog } from "../eval/sample-log.ts";
import { openPolicyAnswerer } from "./policy-answerer.ts";
import type { JudgedAnswer, PolicyAnswerer, PolicyOptions } from "./policy-answerer.ts";
import { heldOutProblems } from "./split-problems.ts";

export interface MakeStepsOptions extends PolicyOptions {
  prompts: string[];
  out: string;
  /** Answers to a problem, and continuations after each of their steps. */
  answers: number;
  continuations: number;
  separator: string;
  /** Problems that are all answered rightly, or all wrongly, get no continuations and are left out. */
  mixed?: true;
  heldOut: number;
  signal: AbortSignal;
  warn: (text: string) => void;
  onProgress: (progress: { phase: string; done: number; total: number; text: string }) => void;
}

export interface MadeSteps {
  engine: string;
  problems: number;
  /** Distinct answers with labels, and their steps; steps whose hard label is false. */
  answers: number;
  steps: number;
  wrong_steps: number;
  train: { file: string; answers: number; problems: number };
  held_out: { file: string; answers: number; problems: number };
}

/** One answer of the log: its steps, right continuations after all but the last, and its own verdict. */
interface LoggedAnswer {
  problem: number;
  steps: string[];
  right: number[];
  isRight: boolean;
}
/** A problem of the log that is done; its answers are the lines before it. */
interface ProblemDone {
  problem: number;
  done: true;
}

/** Answers in work at a time: enough that the last ones do not leave the engine idle for long, and what an interruption can lose. */
const ANSWERS_A_BLOCK = 512;
const LOG_FILE = "answers.jsonl";

/** Writes train.parquet and heldout.parquet; `answers.jsonl` beside them is what an interrupted call goes on from. */
export async function makeSteps(options: MakeStepsOptions): Promise<MadeSteps> {
  const { prompts: paths, out, answers: perProblem, continuations, separator, heldOut, seed, signal, warn, onProgress } = options;
  const files = { train: join(out, "train.parquet"), heldOut: join(out, "heldout.parquet") };
  for (const file of Object.values(files))
    if (existsSync(file)) throw new ConfigError({ who: "--out", expected: "a folder without labelled steps", received: file });
  const rows = await loadPrompts(paths);
  await using policy = await openPolicyAnswerer(options, rows);
  const log = openSampleLog<LoggedAnswer | ProblemDone>(
    join(out, LOG_FILE),
    {
      model: options.model,
      answers: perProblem,
      continuations,
      separator,
      temperature: options.temperature,
      max_new_tokens: policy.maxNewTokens,
      seed,
      mixed: options.mixed === true,
      prompt_hash: createHash("sha256")
        .update(JSON.stringify(rows.map(({ messages }) => messages)))
        .digest("hex"),
    },
    "the labelled steps in this folder",
  );
  try {
    const isDone = new Set(log.samples.flatMap((line) => ("done" in line ? [line.problem] : [])));
    const open = [...rows.keys()].filter((problem) => !isDone.has(problem));
    const block = Math.max(1, Math.floor(ANSWERS_A_BLOCK / perProblem));
    for (let from = 0; from < open.length; from += block) {
      signal.throwIfAborted();
      const problems = open.slice(from, from + block);
      const done = rows.length - open.length + from;
      const report = (what: string) => (state: { finished: number; total: number }) =>
        onProgress({
          phase: "problems",
          done: done + (what === "answers" ? 0.2 : 0.2 + (0.8 * state.finished) / state.total) * problems.length,
          total: rows.length,
          text: `${done} of ${rows.length} problems, ${state.finished} of ${state.total} ${what}`,
        });
      const kept = await answersOf(policy, problems, options, report("answers"));
      const labelled = await labelSteps(policy, kept, options, report("continuations"));
      log.append([...labelled, ...problems.map((problem): ProblemDone => ({ problem, done: true }))]);
    }
  } finally {
    log.close();
  }
  const labelled = log.samples.filter((line): line is LoggedAnswer => "steps" in line);
  if (labelled.length === 0)
    throw new DataError({
      who: "reward-model steps",
      expected: options.mixed === true ? "a problem with right and wrong answers" : "an answer that ends by itself and can be graded",
      received: `none in ${rows.length} problems`,
    });
  return {
    engine: policy.description,
    ...(await writeLabelled(labelled, rows, { files, separator, continuations, heldOut, seed, opening: policy.opening, warn })),
  };
}

interface BegunAnswer {
  problem: number;
  answer: JudgedAnswer;
  steps: string[];
}

/** Distinct answers to each problem that ended by themselves and were judged, in steps. */
async function answersOf(
  policy: PolicyAnswerer,
  problems: readonly number[],
  { answers: count, separator, mixed, signal }: MakeStepsOptions,
  onProgress: (progress: { finished: number; total: number }) => void,
): Promise<BegunAnswer[]> {
  const openings = problems.flatMap((problem) => Array.from({ length: count }, (_, sample) => ({ problem, begun: "", sample })));
  const all = await policy.answer(openings, { signal, onProgress });
  return problems.flatMap((problem, i) => {
    const own = all.slice(i * count, (i + 1) * count).filter(({ truncated, isJudged }) => isJudged && !truncated);
    if (mixed === true && new Set(own.map(({ isRight }) => isRight)).size < 2) return [];
    const distinct = [...new Map(own.map((answer) => [answer.text, answer])).values()];
    return distinct
      .filter(({ text }) => text.trim() !== "")
      .map((answer) => ({ problem, answer, steps: splitSteps(answer.text, separator) }));
  });
}

/** Continues after every step but the last and counts what is right. */
async function labelSteps(
  policy: PolicyAnswerer,
  begun: readonly BegunAnswer[],
  { answers: count, continuations, separator, signal }: MakeStepsOptions,
  onProgress: (progress: { finished: number; total: number }) => void,
): Promise<LoggedAnswer[]> {
  // Numbers of the draws: after those of the answers, one after the other within a problem, so that they do not hang on the block.
  const drawn = new Map<number, number>();
  const openings = begun.flatMap(({ problem, steps }) =>
    steps.slice(0, -1).flatMap((_, step) => {
      const text = steps.slice(0, step + 1).join(separator) + separator;
      return Array.from({ length: continuations }, () => {
        const sample = drawn.get(problem) ?? count;
        drawn.set(problem, sample + 1);
        return { problem, begun: text, sample };
      });
    }),
  );
  const continued = openings.length === 0 ? [] : await policy.answer(openings, { signal, onProgress });
  let next = 0;
  return begun.map(({ problem, answer, steps }) => ({
    problem,
    steps,
    right: steps.slice(0, -1).map(() => {
      const own = continued.slice(next, (next += continuations));
      return own.filter(({ isRight }) => isRight).length;
    }),
    isRight: answer.isRight,
  }));
}

interface WriteOptions {
  files: { train: string; heldOut: string };
  separator: string;
  continuations: number;
  heldOut: number;
  seed: number;
  opening: string;
  warn: (text: string) => void;
}

async function writeLabelled(
  labelled: readonly LoggedAnswer[],
  rows: readonly PromptRow[],
  { files, separator, continuations, heldOut, seed, opening, warn }: WriteOptions,
): Promise<Omit<MadeSteps, "engine">> {
  const problems = [...new Set(labelled.map(({ problem }) => problem))].toSorted((a, b) => a - b);
  const isHeldOut = heldOutProblems(problems, { heldOut, seed });
  const answers = labelled
    .toSorted((a, b) => a.problem - b.problem)
    .map(({ problem, steps, right, isRight }) => ({ problem, steps, ...monteCarloLabels(right, { continuations, isRight }) }));
  const write = async (file: string, chosen: typeof answers) => {
    if (chosen.length === 0) warn(`no answers for ${file}: it is not written`);
    else
      await writeStepwise(
        file,
        chosen.map(({ problem, steps, labels, values }) => {
          const { messages, dataSource, level, promptId } = rows[problem]!;
          return {
            prompt: messages,
            completions: [opening + steps[0]!, ...steps.slice(1)],
            labels,
            values,
            separator,
            dataSource,
            extraInfo: { prompt_id: promptId, ...(level === undefined ? {} : { level }) },
          };
        }),
      );
    return { file, answers: chosen.length, problems: new Set(chosen.map(({ problem }) => problem)).size };
  };
  return {
    problems: problems.length,
    answers: answers.length,
    steps: answers.reduce((sum, { steps }) => sum + steps.length, 0),
    wrong_steps: answers.reduce((sum, { labels }) => sum + labels.filter((label) => !label).length, 0),
    train: await write(
      files.train,
      answers.filter(({ problem }) => !isHeldOut.has(problem)),
    ),
    held_out: await write(
      files.heldOut,
      answers.filter(({ problem }) => isHeldOut.has(problem)),
    ),
  };
}
