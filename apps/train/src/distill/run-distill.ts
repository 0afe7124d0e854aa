// Distilled data, top to bottom: problems in blocks, answers of teachers, verdicts, shards, data card.
//   longcot distill --model DIR --prompts train.parquet --out distilled
import { createHash } from "node:crypto";
import { join } from "node:path";
import { loadPrompts } from "@longcot/data-filter";
import type { PromptRow } from "@longcot/data-filter";
import { answerChecker, createTeacherPool, cutAfterAnswer, distillProblems } from "@longcot/distillation";
import type { TeacherAnswer } from "@longcot/distillation";
import { atomicWrite } from "@longcot/durable-files";
import { errorLine } from "../cli/run-cli.ts";
import { compactCount } from "../progress/figures.ts";
import { openVerifierPool } from "../training/verifier-pool.ts";
import { distillCard } from "./data-card.ts";
import { openDistillFolder } from "./distill-folder.ts";
import type { DistillRecipe } from "./distill-recipe.ts";
import { addStats, blockStats, totalOf } from "./distill-stats.ts";
import type { DistillStats, SourceStats } from "./distill-stats.ts";
import { openTeachers } from "./open-teachers.ts";

export interface DistillJob {
  recipe: DistillRecipe;
  out: string;
  signal: AbortSignal;
  warn: (text: string) => void;
  onProgress: (progress: { done: number; total: number; text: string }) => void;
}

export interface DistillOutcome extends DistillStats {
  folder: string;
  total: SourceStats;
}

/** Goes on where an earlier call with the same settings stopped. Rejects with the signal's reason when it is aborted; nothing that was answered is lost. */
export async function runDistill({ recipe, out, signal, warn, onProgress }: DistillJob): Promise<DistillOutcome> {
  const { prompts, budget, filter, output } = recipe;
  const { rows: all, rejected } = await loadPrompts(prompts.files, { onInvalid: "reject" });
  if (rejected.length > 0) warn(`${rejected.length} of ${all.length + rejected.length} rows are no problems and left out`);
  const rows = all.slice(0, prompts.limit);
  const check = answerChecker({
    thinking: filter.thinking,
    minTokens: filter.min_tokens,
    ...(filter.max_tokens === undefined ? {} : { maxTokens: filter.max_tokens }),
    maxRepetition: filter.max_repetition,
    ...(filter.scripts === undefined ? {} : { scripts: filter.scripts }),
    minScriptShare: filter.min_script_share,
  });
  const opened = await openTeachers(recipe);
  try {
    await using pool = await openVerifierPool(recipe.verifier, {
      thinking: "closed-if-opened",
      prompts: rows.map((row) => ({ row })),
      emit: (event) => {
        if (event.type === "notice" || event.type === "warning") warn(event.text);
      },
    });
    const verify = async (items: readonly { problem: { row: PromptRow }; answer: TeacherAnswer }[]) => {
      const verdicts = await pool.grade(
        items.map(({ problem: { row }, answer }, i) => {
          const { ability, groundTruth, dataSource, messages, extraInfo } = row;
          return { id: String(i), ability, response: answer.text, groundTruth, dataSource, prompt: messages, extraInfo };
        }),
        { signal },
      );
      return verdicts.map(({ outcome }) => ({ correct: outcome === "correct", outcome }));
    };
    const folder = openDistillFolder(out, recipe, fingerprintOf(rows));
    try {
      const teachers = createTeacherPool(opened.teachers.map(({ teacher }) => teacher));
      const parts = [...folder.finished];
      const blocks = Math.ceil(rows.length / output.shard_problems);
      for (let block = parts.length; block < blocks; block++) {
        signal.throwIfAborted();
        const first = block * output.shard_problems;
        const part = rows.slice(first, first + output.shard_problems);
        const before = totalOf(addStats(parts));
        const log = folder.openAnswers(block);
        try {
          const answers = await distillProblems(
            part.map((row, i) => ({ index: first + i, row, messages: askedMessages(row, prompts) })),
            {
              teachers,
              budget,
              ...(filter.after_answer === "cut" ? { clean: cutAfterAnswer } : {}),
              check,
              ...(filter.verified ? { verify } : {}),
              duplicateThreshold: filter.duplicates,
              prefer: filter.prefer,
              log,
              signal,
              onTeacherLost: ({ name }, error) => warn(`${name} is asked no more: ${errorLine(error)}`),
              onProgress: ({ round, answered, asked }) =>
                onProgress({
                  done: first + (part.length * (round - 1 + answered / Math.max(1, asked))) / round,
                  total: rows.length,
                  text: `block ${block + 1} of ${blocks}, round ${round}: ${answered} of ${asked} answers; ${before.kept} kept, ${compactCount(before.completion_tokens)} tokens so far`,
                }),
            },
          );
          const stats = blockStats(part, answers, recipe.teachers);
          await folder.finish(block, part, answers, stats);
          parts.push(stats);
        } finally {
          log.close();
        }
      }
      const stats = addStats(parts);
      const outcome: DistillOutcome = { folder: out, total: totalOf(stats), ...stats };
      atomicWrite(join(out, "README.md"), distillCard(recipe, stats));
      atomicWrite(join(out, "report.json"), `${JSON.stringify(outcome, undefined, 2)}\n`);
      return outcome;
    } finally {
      folder.close();
    }
  } finally {
    await opened.close();
  }
}

/** The problem as the teacher is asked it. */
function askedMessages({ messages }: PromptRow, { system, suffix }: DistillRecipe["prompts"]): PromptRow["messages"] {
  const last = messages.at(-1)!;
  const problem =
    suffix === undefined ? messages : [...messages.slice(0, -1), { ...last, content: `${last.content.trimEnd()}\n${suffix}` }];
  return system === undefined ? problem : [{ role: "system", content: system }, ...problem];
}

/** Equal for equal problems in equal order. */
function fingerprintOf(rows: readonly PromptRow[]): string {
  const hash = createHash("sha256");
  for (const { promptId, messages, groundTruth } of rows) hash.update(JSON.stringify([promptId, messages, groundTruth]));
  return hash.digest("hex");
}
