// One rollout: groups of responses to the step's prompts, graded, in a rollout writer.

import { generate } from "@longcot/language-model";
import type { GeneratedResponse } from "@longcot/language-model";
import { createArena, createRolloutWriter, stepByteLength } from "@longcot/rollout-buffer";
import type { Arena, RolloutWriter } from "@longcot/rollout-buffer";
import type { VerifierPool, VerifyResult } from "@longcot/verifiers";
import type { EmitEvent } from "../events.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { PreparedModel } from "./prepare-model.ts";
import type { TrainingPrompt } from "./prompts.ts";

/** Answers and their verdicts; row g·M + s is sample s of prompt g. */
export interface Answers {
  prompts: readonly TrainingPrompt[];
  groupSize: number;
  responses: GeneratedResponse[];
  texts: string[];
  verdicts: VerifyResult[];
}

export interface AnswerOptions {
  groupSize: number;
  maxNewTokens: number;
  decoding: { temperature: number; topP: number; topK: number };
  seed: number;
  step: number;
  signal: AbortSignal;
  emit: EmitEvent;
  /** Responses cut at the cap are graded by their text; else a verifier calls them no answer. */
  gradeTruncated: boolean;
  /** Which phase the progress shows for the generation. */
  phase: "rollout" | "evaluation";
}

/** `groupSize` responses to every prompt, decoded and graded. `timings` gets the seconds of both parts. */
export async function answerPrompts(
  { model, tokenizer }: PreparedModel,
  pool: VerifierPool,
  prompts: readonly TrainingPrompt[],
  options: AnswerOptions,
  timings: { gen: number; reward: number },
): Promise<Answers> {
  const { groupSize, decoding, emit, phase } = options;
  const requests = prompts.flatMap((prompt) =>
    Array.from({ length: groupSize }, (_, sample) => ({ promptTokens: prompt.tokens, prompt: prompt.index, sample })),
  );
  const started = performance.now();
  const responses = await generate(model, requests, {
    decoding: { kind: "sample", ...decoding },
    maxNewTokens: options.maxNewTokens,
    seed: options.seed,
    step: options.step,
    eosTokenIds: tokenizer.eosTokenIds,
    signal: options.signal,
    onProgress: ({ finished, total }) => emit({ type: "phase", phase, completed: finished, total, unit: "responses" }),
  });
  const generated = performance.now();
  const texts = responses.map(({ tokens }) => tokenizer.decode(tokens, { skipSpecialTokens: true }));
  if (phase === "rollout") emit({ type: "phase", phase: "reward", completed: 0, total: texts.length, unit: "responses" });
  const verdicts = await pool.grade(
    texts.map((response, row) => {
      const { ability, groundTruth, dataSource, messages, extraInfo } = prompts[Math.floor(row / groupSize)]!.row;
      const truncated = !options.gradeTruncated && responses[row]!.finishReason === "length";
      return { id: String(row), ability, response, groundTruth, truncated, dataSource, prompt: messages, extraInfo };
    }),
    {
      signal: options.signal,
      onProgress: ({ done, total }) =>
        emit({ type: "phase", phase: phase === "rollout" ? "reward" : phase, completed: done, total, unit: "responses" }),
    },
  );
  timings.gen += (generated - started) / 1000;
  timings.reward += (performance.now() - generated) / 1000;
  return { prompts, groupSize, responses, texts, verdicts };
}

/** Whether a generation prompt leaves its reasoning open, so that a response must close it before it can answer. */
export function thinkingOpened(generationPrompt: string): boolean {
  return generationPrompt.lastIndexOf("<think>") > generationPrompt.lastIndexOf("</think>");
}

let arena: Arena | undefined;

/** A writer with all rows of `answers`, rewards and outcomes set; row numbers are those of `answers`. */
export function writeAnswers(
  answers: Answers,
  { stage, weightVersion, rewards }: { stage: number; weightVersion: number; rewards: ArrayLike<number> },
): RolloutWriter {
  const { prompts, groupSize, responses, verdicts } = answers;
  const leveled = prompts.every((prompt) => Number.isInteger(prompt.row.level));
  const capacity = {
    rows: responses.length,
    promptTokens: prompts.reduce((sum, { tokens }) => sum + tokens.length * groupSize, 0),
    responseTokens: responses.reduce((sum, { tokens }) => sum + tokens.length, 0),
    ...(leveled ? { optional: ["level" as const] } : {}),
  };
  const needed = stepByteLength(capacity);
  if (arena === undefined || arena.freeBytes < needed) arena = createArena({ budgetBytes: Math.ceil(needed * ARENA_HEADROOM) });
  const writer = createRolloutWriter(arena, leveled ? { optional: ["level"] } : {});
  responses.forEach(({ tokens, logProbs, finishReason }, row) => {
    const prompt = prompts[Math.floor(row / groupSize)]!;
    writer.append({
      promptId: prompt.index,
      sampleIndex: row % groupSize,
      stage,
      weightVersion,
      dataSource: prompt.row.dataSource,
      finishReason,
      promptTokens: prompt.tokens,
      responseTokens: tokens,
      rolloutLogProbs: logProbs,
      ...(leveled ? { level: prompt.row.level! } : {}),
    });
    writer.setPerRow("reward", row, rewards[row]!);
    writer.setCategory("outcome", row, verdicts[row]!.outcome);
  });
  return writer;
}

/** Responses grow during training: room to spare, so that the arena is rarely made anew. */
const ARENA_HEADROOM = 1.5;

/** Sampling settings of the recipe's rollouts. */
export const rolloutDecoding = ({ rollout }: Recipe): AnswerOptions["decoding"] => ({
  temperature: rollout.temperature,
  topP: rollout.top_p,
  topK: rollout.top_k,
});
