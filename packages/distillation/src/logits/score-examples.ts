// What a teacher thinks of examples: its likeliest tokens at each place of the completions.
import { topLogProbs } from "@longcot/language-model";
import type { LanguageModel } from "@longcot/language-model";
import type { Example } from "../sft/example.ts";
import type { ScoredExample } from "./teacher-scores.ts";

export interface ScoreExamplesOptions {
  readonly topK: number;
  readonly temperature: number;
  readonly batchTokens: number;
  readonly onProgress?: (progress: { done: number; total: number }) => void;
}

/** `examples` with the `topK` likeliest tokens of `teacher` at every completion token. @throws ConfigError for a k outside 1 … vocabulary. */
export async function scoreExamples(
  teacher: LanguageModel,
  examples: readonly Example[],
  { topK: k, temperature, batchTokens, onProgress }: ScoreExamplesOptions,
): Promise<ScoredExample[]> {
  const scores = await topLogProbs(
    teacher,
    examples.map(({ tokens }) => tokens),
    { k, temperature, batchTokens, ...(onProgress === undefined ? {} : { onProgress }) },
  );
  return examples.map((example, i) => ({
    ...example,
    topIds: scores[i]!.ids.slice(example.promptLength * k),
    topLogProbs: scores[i]!.logProbs.slice(example.promptLength * k),
  }));
}
