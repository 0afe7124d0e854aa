// The folder of a distillation: finished shards, answers of the one under way, and a line of progress for each that is whole.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeRows } from "@longcot/data-filter";
import type { FieldType, PromptRow, WrittenColumn } from "@longcot/data-filter";
import { openAnswerLog } from "@longcot/distillation";
import type { AnswerLog, JudgedAnswer } from "@longcot/distillation";
import { atomicWrite, cutTornLine, JsonlLog, readLog, removeLeftovers } from "@longcot/durable-files";
import { ConfigError } from "@longcot/errors";
import { RECIPE_FILE } from "../run/records.ts";
import { lockRun } from "../run/run-lock.ts";
import { writeDistillRecipe } from "./distill-recipe.ts";
import type { DistillRecipe } from "./distill-recipe.ts";
import type { DistillStats } from "./distill-stats.ts";

const PROGRESS_FILE = "progress.jsonl";

/** A finished block. */
interface BlockLine {
  block: number;
  stats: DistillStats;
}

export interface DistillFolder {
  /** Stats of the finished blocks, 0 … length − 1. */
  readonly finished: readonly DistillStats[];
  /** The answers of block `block`, kept until it is finished. */
  openAnswers(block: number): AnswerLog;
  /** Writes the shard of `block`, then the line that says it is whole, and only then lets go of its answers. */
  finish(block: number, problems: readonly PromptRow[], answers: readonly (readonly JudgedAnswer[])[], stats: DistillStats): Promise<void>;
  close(): void;
}

/**
 * The folder at `path`, made if it is not there.
 * @param data Names the problems: a folder of others is refused.
 * @throws ConfigError where the folder holds a distillation with other settings or problems, or another process works in it.
 */
export function openDistillFolder(path: string, recipe: DistillRecipe, data: string): DistillFolder {
  mkdirSync(path, { recursive: true });
  const lock = lockRun(path);
  try {
    removeLeftovers(path);
    const recipeFile = join(path, RECIPE_FILE);
    const progressFile = join(path, PROGRESS_FILE);
    const identity = `# of: ${identityOf(recipe, data)}\n`;
    if (existsSync(recipeFile) && !readFileSync(recipeFile, "utf8").startsWith(identity))
      throw new ConfigError({
        who: "--out",
        argument: path,
        expected: "a new folder, or one with the same settings and problems",
        received: `one of another distillation (see ${RECIPE_FILE})`,
      });
    atomicWrite(recipeFile, identity + writeDistillRecipe(recipe));
    cutTornLine(progressFile);
    const finished = readLog<BlockLine>(progressFile).map(({ stats }) => stats);
    const progress = new JsonlLog(progressFile);
    const answersFile = (block: number) => join(path, "work", `answers-${shard(block)}.jsonl`);
    return {
      finished,
      openAnswers: (block) => openAnswerLog(answersFile(block)),
      async finish(block, problems, answers, stats) {
        const rows = problems.flatMap((problem, i) => answers[i]!.map((answer) => ({ problem, answer, all: answers[i]! })));
        await writeShard(
          join(path, "data", `train-${shard(block)}.parquet`),
          rows.filter(({ answer }) => answer.rejected === undefined),
          recipe,
        );
        if (recipe.output.rejected)
          await writeShard(
            join(path, "rejected", `rejected-${shard(block)}.parquet`),
            rows.filter(({ answer }) => answer.rejected !== undefined),
            recipe,
          );
        progress.append([JSON.stringify({ block, stats } satisfies BlockLine)]);
        progress.sync();
        rmSync(answersFile(block), { force: true });
      },
      close() {
        progress.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Equal for what gives equal data: where a teacher's server is, and how it is asked, may change on the way. */
function identityOf({ name, seed, prompts, teachers, sampling, budget, filter, output }: DistillRecipe, data: string): string {
  const names = new Set(teachers.map((teacher) => ("server" in teacher ? teacher.name : teacher.model)));
  return createHash("sha256")
    .update(
      JSON.stringify([{ name, seed, prompts, sampling, budget, filter, output }, [...names].toSorted((a, b) => (a < b ? -1 : 1)), data]),
    )
    .digest("hex");
}

const shard = (block: number): string => String(block).padStart(5, "0");

interface ShardRow {
  problem: PromptRow;
  answer: JudgedAnswer;
  /** All answers to the problem. */
  all: readonly JudgedAnswer[];
}

const STRING: FieldType = { kind: "string" };
const MESSAGES: FieldType = {
  kind: "list",
  item: {
    kind: "struct",
    fields: [
      ["role", STRING],
      ["content", STRING],
    ],
  },
};
const EXTRA_INFO: FieldType = {
  kind: "struct",
  fields: [
    ["prompt_id", STRING],
    ["sample", { kind: "int64" }],
    ["teacher", STRING],
    ["completion_tokens", { kind: "int64" }],
    ["pass_rate", { kind: "double" }],
    ["level", { kind: "double" }],
  ],
};

/** Every shard has the same columns and types, so that all of them read as one table. No rows, no file. */
async function writeShard(path: string, rows: readonly ShardRow[], { output }: DistillRecipe): Promise<void> {
  if (rows.length === 0) return rmSync(path, { force: true });
  const reply = ({ answer }: ShardRow) => ({ role: "assistant", content: answer.text });
  const text: WrittenColumn[] =
    output.format === "messages"
      ? [{ name: "messages", type: MESSAGES, values: rows.map((row) => [...row.problem.messages, reply(row)]) }]
      : [
          { name: "prompt", type: MESSAGES, values: rows.map(({ problem }) => problem.messages) },
          { name: "completion", type: MESSAGES, values: rows.map((row) => [reply(row)]) },
        ];
  const reasons: WrittenColumn[] = rows.some(({ answer }) => answer.rejected !== undefined)
    ? [{ name: "rejected", type: STRING, values: rows.map(({ answer }) => answer.rejected) }]
    : [];
  await writeRows(path, [
    ...text,
    { name: "data_source", type: STRING, values: rows.map(({ problem }) => problem.dataSource) },
    ...reasons,
    {
      name: "extra_info",
      type: EXTRA_INFO,
      values: rows.map(({ problem, answer, all }) => {
        const judged = all.filter(({ correct }) => correct !== undefined).length;
        return {
          prompt_id: problem.promptId,
          sample: answer.sample,
          teacher: answer.teacher,
          completion_tokens: answer.completionTokens ?? null,
          pass_rate: judged === 0 ? null : all.filter(({ correct }) => correct === true).length / all.length,
          level: problem.level ?? null,
        };
      }),
    },
  ]);
}
