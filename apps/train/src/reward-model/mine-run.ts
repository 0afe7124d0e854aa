// The work of `longcot reward-model pairs`: right against wrong answers out of a run's rollouts, prompts split into train and held out.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { writePreferences } from "@longcot/data-filter";
import { ConfigError, DataError } from "@longcot/errors";
import { minePairs } from "@longcot/reward-model";
import type { AnswerGroup } from "@longcot/reward-model";
import { openRun, openTokenizer } from "../inspect/open-run.ts";
import { thinkingOf } from "../models/prompt-tokens.ts";
import { RolloutStore } from "../run/rollout-store.ts";
import { keyedOrder, loadTrainingPrompts } from "../training/prompts.ts";

export interface MineOptions {
  run: string;
  out: string;
  perPrompt: number;
  heldOut: number;
  seed: number;
  signal: AbortSignal;
  warn: (text: string) => void;
  onProgress: (progress: { done: number; total: number; text: string }) => void;
}

export interface MinedPairs {
  /** Steps read, graded responses in them, prompts met, prompts with right and wrong answers. */
  steps: number;
  responses: number;
  prompts: number;
  mixed_prompts: number;
  train: { file: string; pairs: number; prompts: number };
  held_out: { file: string; pairs: number; prompts: number };
}

/** A stage number that no recipe reaches: keeps the split's draws apart from others. */
const SPLIT_STAGE = 2 ** 31 + 2;

export async function mineRun({ run, out, perPrompt, heldOut, seed, signal, warn, onProgress }: MineOptions): Promise<MinedPairs> {
  const files = { train: join(out, "train.parquet"), heldOut: join(out, "heldout.parquet") };
  for (const file of Object.values(files))
    if (existsSync(file)) throw new ConfigError({ who: "--out", expected: "a folder without pairs", received: file });
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
  const ids = [...groups.keys()].toSorted((a, b) => a - b);
  const order = keyedOrder(ids.length, { seed, stage: SPLIT_STAGE, epoch: 0 });
  const isHeldOut = new Set(order.slice(0, Math.round(heldOut * ids.length)).map((place) => ids[place]!));
  const pairs = minePairs(
    ids.map((promptId): AnswerGroup => ({ promptId, answers: groups.get(promptId)! })),
    { perGroup: perPrompt, seed },
  );
  if (pairs.length === 0)
    throw new DataError({ who: run, expected: "a prompt with right and wrong answers", received: `none in ${responses} graded responses` });
  mkdirSync(out, { recursive: true });
  const write = async (file: string, chosen: typeof pairs) => {
    if (chosen.length === 0) warn(`no pairs for ${file}: it is not written`);
    else
      await writePreferences(
        file,
        chosen.map(({ promptId, chosen: better, rejected }) => {
          const { row } = byIndex.get(promptId)!;
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
    steps,
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
