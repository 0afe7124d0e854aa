// What a distillation cost and yielded, by source and by teacher; parts of it add up.
import type { JudgedAnswer } from "@longcot/distillation";
import type { PromptRow } from "@longcot/data-filter";
import type { DistillRecipe } from "./distill-recipe.ts";

/** Of one source of problems. */
export interface SourceStats {
  problems: number;
  /** Problems with at least one right answer, and with one that is kept. */
  solved: number;
  covered: number;
  answers: number;
  kept: number;
  /** Answers left out, by reason. */
  rejected: Record<string, number>;
  prompt_tokens: number;
  completion_tokens: number;
  kept_tokens: number;
  cost: number;
}

/** Of one teacher. */
export interface TeacherStats {
  answers: number;
  kept: number;
  prompt_tokens: number;
  completion_tokens: number;
  cost: number;
}

export interface DistillStats {
  sources: Record<string, SourceStats>;
  teachers: Record<string, TeacherStats>;
}

export const emptyStats = (): DistillStats => ({ sources: {}, teachers: {} });

/** Of the answers to `problems`, in their order. */
export function blockStats(
  problems: readonly PromptRow[],
  answers: readonly (readonly JudgedAnswer[])[],
  teachers: DistillRecipe["teachers"],
): DistillStats {
  const prices = new Map(teachers.map((teacher) => ["server" in teacher ? teacher.name : teacher.model, teacher.price]));
  const stats = emptyStats();
  problems.forEach(({ dataSource }, i) => {
    const source = (stats.sources[dataSource] ??= newSource());
    source.problems++;
    if (answers[i]!.some(({ correct }) => correct === true)) source.solved++;
    if (answers[i]!.some(({ rejected }) => rejected === undefined)) source.covered++;
    for (const { teacher: name, promptTokens = 0, completionTokens = 0, rejected } of answers[i]!) {
      const teacher = (stats.teachers[name] ??= { answers: 0, kept: 0, prompt_tokens: 0, completion_tokens: 0, cost: 0 });
      const { prompt, completion } = prices.get(name) ?? { prompt: 0, completion: 0 };
      const cost = (promptTokens * prompt + completionTokens * completion) / 1e6;
      for (const part of [source, teacher]) {
        part.answers++;
        part.prompt_tokens += promptTokens;
        part.completion_tokens += completionTokens;
        part.cost += cost;
        if (rejected === undefined) part.kept++;
      }
      if (rejected === undefined) source.kept_tokens += completionTokens;
      else source.rejected[rejected] = (source.rejected[rejected] ?? 0) + 1;
    }
  });
  return stats;
}

const newSource = (): SourceStats => ({
  problems: 0,
  solved: 0,
  covered: 0,
  answers: 0,
  kept: 0,
  rejected: {},
  prompt_tokens: 0,
  completion_tokens: 0,
  kept_tokens: 0,
  cost: 0,
});

/** The sum of all `parts`. */
export function addStats(parts: readonly DistillStats[]): DistillStats {
  return parts.reduce<DistillStats>((sum, part) => addNumbers(sum, part), emptyStats());
}

/** Objects of numbers added key by key, however deep. */
function addNumbers<T extends object>(a: T, b: T): T {
  const sum = { ...a } as Record<string, unknown>;
  for (const [key, value] of Object.entries(b) as [string, unknown][]) {
    const own = sum[key];
    if (own === undefined) sum[key] = value;
    else sum[key] = typeof value === "number" ? (own as number) + value : addNumbers(own as object, value as object);
  }
  return sum as T;
}

/** All sources together. */
export function totalOf({ sources }: DistillStats): SourceStats {
  return Object.values(sources).reduce<SourceStats>((sum, source) => addNumbers(sum, source), newSource());
}
