// The quickstart's data set on disk: problems for reinforcement learning, held-out problems, worked solutions for the cold start.
import { join } from "node:path";
import { writeConversations, writePrompts, type Conversation, type PromptRow } from "@longcot/data-filter";
import { ConfigError } from "@longcot/errors";
import { LEVELS, type Level, type OperationName } from "./operations.ts";
import { makeProblem, type ArithmeticProblem } from "./problem.ts";
import type { Split } from "./split-pairs.ts";

/**
 * How many problems of each level; a level that is left out has none. Level 1 has but 100 questions: at least 78, whatever the seed,
 * for training and cold start, which then share them, and 12 held out. Level 2 has 6,462 and 1,548; levels 3 and 4 have 100 times more.
 */
export type LevelCounts = Readonly<Partial<Record<Level, number>>>;

export interface ArithmeticDatasetOptions {
  /** Where the three files go; made if it is not there. */
  readonly folder: string;
  readonly seed: number;
  readonly trainPerLevel: LevelCounts;
  readonly heldOutPerLevel: LevelCounts;
  /** Absent: no worked solutions are made. */
  readonly coldStartPerLevel?: LevelCounts | undefined;
  /** Default `addition`. */
  readonly operation?: OperationName;
}

/** Paths of what was written. */
export interface ArithmeticDataset {
  /** verl rows; `extra_info` {index, split, level}. */
  readonly train: string;
  readonly heldOut: string;
  /** Column `messages`: question, worked solution. Absent where none were asked for. */
  readonly coldStart?: string;
}

/**
 * Writes `train.parquet`, `heldout.parquet` and `cold-start.parquet`. The same options give the same bytes. No held-out question
 * occurs in the other two, in either order of its operands; training and cold start share problems only where a level has too few.
 * @throws ConfigError when a level has fewer problems than asked for, or a file would be empty.
 */
export async function writeArithmeticDataset(options: ArithmeticDatasetOptions): Promise<ArithmeticDataset> {
  const { folder, seed, operation = "addition" } = options;
  const problems = (split: Split, counts: LevelCounts): ArithmeticProblem[] => problemsOf({ seed, split, operation }, counts);
  const train = problems("train", options.trainPerLevel);
  const heldOut = problems("held-out", options.heldOutPerLevel);
  const coldStart = options.coldStartPerLevel === undefined ? [] : problems("cold-start", options.coldStartPerLevel);
  assertDisjoint(heldOut, [...train, ...coldStart]);

  const paths = { train: join(folder, "train.parquet"), heldOut: join(folder, "heldout.parquet") };
  await writePrompts(
    paths.train,
    train.map((problem, index) => promptRow(problem, index, "train")),
  );
  await writePrompts(
    paths.heldOut,
    heldOut.map((problem, index) => promptRow(problem, index, "test")),
  );
  if (coldStart.length === 0) return paths;
  const coldStartPath = join(folder, "cold-start.parquet");
  await writeConversations(coldStartPath, coldStart.map(conversation));
  return { ...paths, coldStart: coldStartPath };
}

/** Problems of all levels, easiest first. */
function problemsOf(key: { seed: number; split: Split; operation: OperationName }, counts: LevelCounts): ArithmeticProblem[] {
  const problems = LEVELS.flatMap((level) =>
    Array.from({ length: counts[level] ?? 0 }, (_, index) => makeProblem({ ...key, level, index })),
  );
  if (problems.length > 0) return problems;
  throw new ConfigError({
    who: "writeArithmeticDataset",
    argument: `problems of ${key.split}`,
    expected: "at least one",
    received: "none",
  });
}

/** The splits are disjoint by construction; a data set that leaks is worse than none, so it is checked all the same. */
function assertDisjoint(heldOut: readonly ArithmeticProblem[], others: readonly ArithmeticProblem[]): void {
  const asked = new Set(others.map((problem) => problem.prompt));
  const leaked = heldOut.find((problem) => asked.has(problem.prompt));
  if (leaked !== undefined) throw new Error(`internal: held-out question ${leaked.prompt} is also trained on`);
}

function promptRow(problem: ArithmeticProblem, index: number, split: "train" | "test"): PromptRow {
  const { operation, level, prompt, answer } = problem;
  return {
    promptId: String(index),
    dataSource: `arithmetic-${operation}`,
    messages: [{ role: "user", content: prompt }],
    ability: "math",
    groundTruth: answer,
    extraInfo: { index, split, level },
    level,
  };
}

function conversation(problem: ArithmeticProblem, index: number): Conversation {
  const { operation, level, prompt, solution } = problem;
  return {
    conversationId: String(index),
    messages: [
      { role: "user", content: prompt },
      { role: "assistant", content: solution },
    ],
    dataSource: `arithmetic-${operation}`,
    extraInfo: { index, split: "train", level },
    level,
  };
}
