// The graded answers in a run's rollouts, by problem.
import { join } from "node:path";
import { DataError } from "@longcot/errors";
import { openRun, openTokenizer } from "../inspect/open-run.ts";
import { thinkingOf } from "../models/prompt-tokens.ts";
import { RolloutStore } from "../run/rollout-store.ts";
import { loadTrainingPrompts } from "../training/prompts.ts";
import type { GradedAnswers } from "./mine-pair-files.ts";

/** @throws DataError where rollouts and the run's training data do not belong together. */
export async function readRunAnswers(
  run: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: { done: number; total: number; text: string }) => void },
): Promise<GradedAnswers> {
  const opened = openRun(run);
  const tokenizer = await openTokenizer(opened);
  const { data } = opened.recipe;
  const prompts = await loadTrainingPrompts(data.generate === undefined ? data.train! : join(run, "data", "train.parquet"), {
    tokenizer,
    maxPromptLength: data.max_prompt_length,
    levels: data.levels,
    emit: () => {},
  });
  const byIndex = new Map(prompts.map((prompt) => [prompt.index, prompt]));
  // A prompt that opened the reasoning gets an answer that goes on from there; the message holds both.
  const opening = thinkingOf(tokenizer) === "required" ? "<think>" : "";
  const groups = new Map<number, { text: string; isRight: boolean }[]>();
  const store = new RolloutStore(run);
  let [steps, responses] = [0, 0];
  for (const [i, step] of opened.rolloutSteps.entries()) {
    signal.throwIfAborted();
    onProgress({ done: i, total: opened.rolloutSteps.length, text: `step ${i} of ${opened.rolloutSteps.length}` });
    const rollouts = (await store.read(step))!;
    // Not graded yet: the run is in this step.
    if (!rollouts.has("outcome")) continue;
    steps++;
    responses += rollouts.length;
    for (let row = 0; row < rollouts.length; row++) {
      const { promptId, promptTokens, responseTokens, outcome, finishReason } = rollouts.viewRow(row);
      const known = byIndex.get(promptId);
      if (
        known === undefined ||
        known.tokens.length !== promptTokens.length ||
        known.tokens.some((token, at) => token !== promptTokens[at])
      )
        throw new DataError({
          who: run,
          argument: `prompt ${promptId} of step ${step}`,
          expected: "the prompt of that place in the run's training data",
          received: "another, or none",
          fix: "Restore the data that the run was trained on",
        });
      // An answer that was cut has no end to be scored at; verdicts that say nothing of it make no pair.
      if (finishReason === "length" || outcome === "crash" || outcome === "invalid_ground_truth") continue;
      const answers = groups.get(promptId) ?? [];
      answers.push({ text: opening + tokenizer.decode(responseTokens, { skipSpecialTokens: true }), isRight: outcome === "correct" });
      groups.set(promptId, answers);
    }
  }
  return { rows: new Map(prompts.map(({ index, row }) => [index, row])), groups, responses, steps };
}
