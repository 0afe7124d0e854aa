// The work of `longcot reward-model pairs`: right against wrong answers to the same problems, from a run's rollouts or drawn from a policy; problems are split
// into train and held out.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { loadPrompts, writePreferences } from "@longcot/data-filter";
import type { PromptRow } from "@longcot/data-filter";
import { ConfigError, DataError } from "@longcot/errors";
import { minePairs } from "@longcot/reward-model";
import type { AnswerGroup } from "@longcot/reward-model";
import { openPolicyAnswerer } from "./policy-answerer.ts";
import type { PolicyOptions } from "./policy-answerer.ts";
import { readRunAnswers } from "./run-answers.ts";
import { heldOutProblems } from "./split-problems.ts";

export interface MineOptions extends Omit<PolicyOptions, "model"> {
  /** A run's folder, or a policy and problems. */
  run?: string;
  model?: string;
  prompts?: string[];
  /** Answers drawn to each problem. */
  answers: number;
  out: string;
  perPrompt: number;
  heldOut: number;
  signal: AbortSignal;
  warn: (text: string) => void;
  onProgress: (progress: { done: number; total: number; text: string }) => void;
}

/** Answers by problem, and the problems' rows. */
export interface GradedAnswers {
  rows: ReadonlyMap<number, PromptRow>;
  groups: ReadonlyMap<number, AnswerGroup["answers"]>;
  /** Answers graded, those that make no pair among them; steps of a run. */
  responses: number;
  steps?: number;
}

export interface MinedPairs {
  /** Steps of a run that were read; absent where answers were drawn. */
  steps?: number;
  /** Graded responses, problems met, problems with right and wrong answers. */
  responses: number;
  prompts: number;
  mixed_prompts: number;
  train: { file: string; pairs: number; prompts: number };
  held_out: { file: string; pairs: number; prompts: number };
}

export async function minePairFiles(options: MineOptions): Promise<MinedPairs> {
  const { out, perPrompt, heldOut, seed, warn } = options;
  const files = { train: join(out, "train.parquet"), heldOut: join(out, "heldout.parquet") };
  for (const file of Object.values(files))
    if (existsSync(file)) throw new ConfigError({ who: "--out", expected: "a folder without pairs", received: file });
  const { rows, groups, responses, steps } = await gradedAnswers(options);
  const ids = [...groups.keys()].toSorted((a, b) => a - b);
  const isHeldOut = heldOutProblems(ids, { heldOut, seed });
  const pairs = minePairs(
    ids.map((promptId): AnswerGroup => ({ promptId, answers: groups.get(promptId)! })),
    { perGroup: perPrompt, seed },
  );
  if (pairs.length === 0)
    throw new DataError({
      who: options.run ?? options.model!,
      expected: "a prompt with right and wrong answers",
      received: `none in ${responses} graded responses`,
    });
  mkdirSync(out, { recursive: true });
  const write = async (file: string, chosen: typeof pairs) => {
    if (chosen.length === 0) warn(`no pairs for ${file}: it is not written`);
    else
      await writePreferences(
        file,
        chosen.map(({ promptId, chosen: better, rejected }) => {
          const row = rows.get(promptId)!;
          const answers = groups.get(promptId)!;
          return {
            prompt: row.messages,
            chosen: answers[better]!.text,
            rejected: answers[rejected]!.text,
            dataSource: row.dataSource,
            extraInfo: { prompt_id: row.promptId, ...(row.level === undefined ? {} : { level: row.level }) },
          };
        }),
      );
    return { file, pairs: chosen.length, prompts: new Set(chosen.map(({ promptId }) => promptId)).size };
  };
  return {
    ...(steps === undefined ? {} : { steps }),
    responses,
    prompts: ids.length,
    mixed_prompts: new Set(pairs.map(({ promptId }) => promptId)).size,
    train: await write(
      files.train,
      pairs.filter(({ promptId }) => !isHeldOut.has(promptId)),
    ),
    held_out: await write(
      files.heldOut,
      pairs.filter(({ promptId }) => isHeldOut.has(promptId)),
    ),
  };
}

async function gradedAnswers(options: MineOptions): Promise<GradedAnswers> {
  const { run, model, prompts, signal, onProgress } = options;
  const isPolicy = model !== undefined && prompts !== undefined;
  if (run !== undefined ? model !== undefined || prompts !== undefined : !isPolicy)
    throw new ConfigError({
      who: "options",
      expected: "a run's folder, or --model DIR and --prompts FILE…",
      received: run === undefined ? (model === undefined ? "no --model" : "no --prompts") : "a run and what takes its place",
    });
  return run === undefined
    ? await drawAnswers({ ...options, model: model!, prompts: prompts! })
    : await readRunAnswers(run, { signal, onProgress });
}

/** Answers in work at a time. */
const ANSWERS_A_BLOCK = 1024;

async function drawAnswers(options: MineOptions & { model: string; prompts: string[] }): Promise<GradedAnswers> {
  const { prompts, answers: count, signal, onProgress } = options;
  const rows = await loadPrompts(prompts);
  await using policy = await openPolicyAnswerer(options, rows);
  const groups = new Map<number, { text: string; isRight: boolean }[]>();
  const block = Math.max(1, Math.floor(ANSWERS_A_BLOCK / count));
  for (let from = 0; from < rows.length; from += block) {
    signal.throwIfAborted();
    const problems = [...rows.keys()].slice(from, from + block);
    const drawn = await policy.answer(
      problems.flatMap((problem) => Array.from({ length: count }, (_, sample) => ({ problem, begun: "", sample }))),
      {
        signal,
        onProgress: ({ finished }) => {
          const done = from * count + finished;
          onProgress({ done, total: rows.length * count, text: `${done} of ${rows.length * count} answers` });
        },
      },
    );
    for (const [i, problem] of problems.entries()) {
      // An answer that was cut has no end to be scored at; verdicts that say nothing of it make no pair.
      const own = drawn.slice(i * count, (i + 1) * count).filter(({ truncated, isJudged }) => isJudged && !truncated);
      groups.set(
        problem,
        own.map(({ text, isRight }) => ({ text: policy.opening + text, isRight })),
      );
    }
  }
  return { rows: new Map(rows.entries()), groups, responses: rows.length * count };
}
