// One rollout: groups of responses to the step's prompts, generated, graded, in a rollout writer.

import { generate } from "@longcot/language-model";
import type { GeneratedResponse } from "@longcot/language-model";
import type { RolloutWriter } from "@longcot/rollout-buffer";
import type { VerifierPool, VerifyRequest, VerifyResult } from "@longcot/verifiers";
import type { EmitEvent } from "../events.ts";
import type { Recipe } from "../recipe/schema.ts";
import type { RolloutStore } from "../run/rollout-store.ts";
import type { TokenScores } from "./old-log-probs.ts";
import type { PreparedModel } from "./prepare-model.ts";
import type { TrainingPrompt } from "./prompts.ts";

/** A response as the loop has it; `oldLogProbs` and `entropies` as far as they are known of the policy that the step's updates start from. */
export type SampledResponse = Omit<GeneratedResponse, "entropies"> & { oldLogProbs?: Float32Array; entropies?: Float32Array };

/** Answers and their verdicts; row g·M + s is sample s of prompt g. */
export interface Answers {
  prompts: readonly TrainingPrompt[];
  groupSize: number;
  responses: readonly SampledResponse[];
  texts: string[];
  verdicts: VerifyResult[];
}

export interface AnswerOptions {
  groupSize: number;
  maxNewTokens: number;
  decoding: { temperature: number; topP: number; topK: number; massOf?: number };
  seed: number;
  step: number;
  signal: AbortSignal;
  emit: EmitEvent;
  /** Responses cut at the cap are graded by their text; else a verifier calls them no answer. */
  gradeTruncated: boolean;
  /** Which phase the progress shows for the generation. */
  phase: "rollout" | "evaluation";
}

/** `groupSize` responses to every prompt; row g·M + s is sample s of prompt g. */
export async function generateResponses(
  { model, tokenizer }: PreparedModel,
  prompts: readonly TrainingPrompt[],
  {
    groupSize,
    decoding,
    maxNewTokens,
    seed,
    step,
    signal,
    emit,
    phase,
  }: Omit<AnswerOptions, "gradeTruncated" | "decoding"> & { decoding: AnswerOptions["decoding"] | "greedy" },
): Promise<GeneratedResponse[]> {
  const requests = prompts.flatMap((prompt) =>
    Array.from({ length: groupSize }, (_, sample) => ({ promptTokens: prompt.tokens, prompt: prompt.index, sample })),
  );
  const progress = (finished: number): void =>
    emit({ type: "phase", phase, completed: finished, total: requests.length, unit: "responses" });
  progress(0);
  return await generate(model, requests, {
    decoding: decoding === "greedy" ? { kind: "greedy" } : { kind: "sample", ...decoding },
    maxNewTokens,
    seed,
    step,
    eosTokenIds: tokenizer.eosTokenIds,
    signal,
    onProgress: ({ finished }) => progress(finished),
  });
}

/** The responses decoded and graded. */
export async function gradeResponses(
  { tokenizer }: PreparedModel,
  pool: VerifierPool,
  prompts: readonly TrainingPrompt[],
  responses: readonly SampledResponse[],
  { groupSize, gradeTruncated, signal, emit, phase }: Pick<AnswerOptions, "groupSize" | "gradeTruncated" | "signal" | "emit" | "phase">,
): Promise<Answers> {
  const texts = responses.map(({ tokens }) => tokenizer.decode(tokens, { skipSpecialTokens: true }));
  if (phase === "rollout") emit({ type: "phase", phase: "reward", completed: 0, total: texts.length, unit: "responses" });
  const ungraded = { prompts, groupSize, responses, texts };
  const verdicts = await pool.grade(verifyRequests(ungraded, { gradeTruncated }), {
    signal,
    onProgress: ({ done, total }) =>
      emit({ type: "phase", phase: phase === "rollout" ? "reward" : phase, completed: done, total, unit: "responses" }),
  });
  return { ...ungraded, verdicts };
}

/** What a grader is asked about each response, in their order. */
export function verifyRequests(
  { prompts, groupSize, responses, texts }: Omit<Answers, "verdicts">,
  { gradeTruncated }: { gradeTruncated: boolean },
): VerifyRequest[] {
  return texts.map((response, row) => {
    const { ability, groundTruth, dataSource, messages, extraInfo } = prompts[Math.floor(row / groupSize)]!.row;
    const truncated = !gradeTruncated && responses[row]!.finishReason === "length";
    return { id: String(row), ability, response, groundTruth, truncated, dataSource, prompt: messages, extraInfo };
  });
}

/** Which step the responses are for, and the policy that sampled them. */
export interface ResponseOrigin {
  stage: number;
  /** Updates that the policy had seen. */
  weightVersion: number;
}

/** A writer with all responses, in their order; nothing else of a row is set. */
export function writeResponses(
  store: RolloutStore,
  { prompts, groupSize, responses }: Pick<Answers, "prompts" | "groupSize" | "responses">,
  { stage, weightVersion }: ResponseOrigin,
  { hasReference = false } = {},
): RolloutWriter {
  const leveled = prompts.every((prompt) => Number.isInteger(prompt.row.level));
  // Of generated responses, and of stored ones whose run measured it.
  const measured = responses.every(({ topMasses }) => topMasses !== undefined);
  const writer = store.createWriter({
    rows: responses.length,
    promptTokens: prompts.reduce((sum, { tokens }) => sum + tokens.length * groupSize, 0),
    responseTokens: responses.reduce((sum, { tokens }) => sum + tokens.length, 0),
    optional: [
      ...(leveled ? (["level"] as const) : []),
      ...(hasReference ? (["ref_log_probs"] as const) : []),
      ...(measured ? (["top_k_mass"] as const) : []),
    ],
  });
  responses.forEach(({ tokens, logProbs, topMasses, finishReason }, row) => {
    const prompt = prompts[Math.floor(row / groupSize)]!;
    const appended = writer.append({
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
    if (measured) writer.setPerToken("top_k_mass", appended, topMasses!);
  });
  return writer;
}

/** What is known of the rows of {@link Answers}. */
export interface RowFacts {
  /** [rows] */
  rewards: ArrayLike<number>;
  advantages: ArrayLike<number>;
  scores: TokenScores;
  refLogProbs: readonly Float32Array[] | undefined;
}

/** A writer with all rows of `answers` and what is known of them; row numbers are those of `answers`. */
export function writeAnswers(
  store: RolloutStore,
  answers: Answers,
  { rewards, advantages, scores, refLogProbs }: RowFacts,
  origin: ResponseOrigin,
): RolloutWriter {
  const writer = writeResponses(store, answers, origin, { hasReference: refLogProbs !== undefined });
  answers.verdicts.forEach(({ outcome }, row) => {
    writer.setPerRow("reward", row, rewards[row]!);
    writer.setPerRow("advantage", row, advantages[row]!);
    writer.setCategory("outcome", row, outcome);
    writer.setPerToken("old_log_probs", row, scores.logProbs[row]!);
    writer.setPerToken("entropies", row, scores.entropies[row]!);
    if (refLogProbs !== undefined) writer.setPerToken("ref_log_probs", row, refLogProbs[row]!);
  });
  return writer;
}

/** Sampling settings of the recipe's rollouts. */
export const rolloutDecoding = ({ rollout }: Pick<Recipe, "rollout">): AnswerOptions["decoding"] => ({
  temperature: rollout.temperature,
  topP: rollout.top_p,
  topK: rollout.top_k,
  ...(rollout.top_k_mass === 0 ? {} : { massOf: rollout.top_k_mass }),
});
