// Who answers a benchmark's problems: a model on this machine's engine, or one behind a server.
import { availableParallelism } from "node:os";
import { checkTokenizerFits, generate, loadLanguageModel, loadTokenizer, readModelConfig } from "@longcot/language-model";
import type { LanguageModel } from "@longcot/language-model";
import { openModelServer } from "@longcot/model-server";
import { ConfigError } from "@longcot/errors";
import { openEngine } from "@longcot/tensor-kernels";
import type { PromptRow } from "@longcot/data-filter";
import type { EngineFlags } from "../cli/engine-options.ts";
import { encodePrompt, thinkingOf } from "../models/prompt-tokens.ts";
import { EVALUATION_STEP } from "../training/evaluate.ts";
import type { EvalPlan, EvalSampling } from "./eval-plan.ts";

export interface SampledAnswer {
  text: string;
  /** Tokens; undefined where a server does not count them. */
  length: number | undefined;
  /** Cut at the cap. */
  truncated: boolean;
}

export interface AnswerSource {
  /** What computes, for the record. */
  description: string;
  /** Whether a response must close its reasoning before it can answer. */
  thinking: "required" | "closed-if-opened";
  /** Problems worth asking together: a chunk is what an interruption can lose. */
  chunk(samples: number): number;
  /** The cap on a response, tokens. */
  maxNewTokens: number;
  /** `samples` answers to each problem, problem by problem. `index` is its place in the benchmark and keys the draws. */
  answer(
    problems: readonly { index: number; row: PromptRow }[],
    samples: number,
    options: { signal: AbortSignal; onProgress: (finished: number) => void },
  ): Promise<SampledAnswer[]>;
  close(): Promise<void>;
}

/** The paper's cap. Source: arXiv 2505.22312 §8.1. */
const PAPER_CAP = 32_768;

/**
 * Opens the plan's source.
 * @param prompts every prompt that will be asked, to fix the cap before the first answer.
 * @throws ConfigError where a prompt and the cap do not fit the model's positions.
 */
export async function openAnswerSource(
  plan: EvalPlan,
  prompts: readonly PromptRow[],
  flags: EngineFlags & { concurrency: number; timeout: number },
  store: string,
): Promise<AnswerSource> {
  return plan.answers.kind === "server"
    ? serverSource(plan.answers, plan.sampling, flags, store)
    : await modelSource(plan.answers.directory, plan.sampling, prompts, flags);
}

/** Sequences under way in a chunk: enough that the last ones of it do not leave the engine idle for long. */
const SEQUENCES_A_CHUNK = 1024;

async function modelSource(
  directory: string,
  sampling: EvalSampling,
  prompts: readonly PromptRow[],
  { engine, threads }: EngineFlags,
): Promise<AnswerSource> {
  const config = await readModelConfig(directory);
  const tokenizer = await loadTokenizer(directory);
  checkTokenizerFits(config, tokenizer);
  const longest = prompts.reduce((most, row) => Math.max(most, encodePrompt(tokenizer, row.messages).length), 0);
  const room = config.maxPositionEmbeddings - longest;
  const maxNewTokens = sampling.maxNewTokens ?? Math.min(PAPER_CAP, room);
  if (maxNewTokens > room || maxNewTokens < 1)
    throw new ConfigError({
      who: "--max-new-tokens",
      expected: `at most ${room}: the longest prompt has ${longest} of the model's ${config.maxPositionEmbeddings} positions`,
      received: String(maxNewTokens),
    });
  const opened = await openEngine({ engine, threads });
  const model: LanguageModel = await loadLanguageModel(opened, directory).catch(async (error: unknown) => {
    await opened.close();
    throw error;
  });
  return {
    description: opened.description,
    thinking: thinkingOf(tokenizer),
    chunk: (samples) => Math.max(1, Math.floor(SEQUENCES_A_CHUNK / samples)),
    maxNewTokens,
    async answer(problems, samples, { signal, onProgress }) {
      const requests = problems.flatMap(({ index, row }) => {
        const promptTokens = encodePrompt(tokenizer, row.messages);
        return Array.from({ length: samples }, (_, sample) => ({ promptTokens, prompt: index, sample }));
      });
      const { temperature, topP, topK, seed } = sampling;
      const responses = await generate(model, requests, {
        decoding: { kind: "sample", temperature, topP, topK },
        maxNewTokens,
        seed,
        step: EVALUATION_STEP,
        eosTokenIds: tokenizer.eosTokenIds,
        signal,
        onProgress: ({ finished }) => onProgress(finished),
      });
      return responses.map(({ tokens, finishReason }) => ({
        text: tokenizer.decode(tokens, { skipSpecialTokens: true }),
        length: tokens.length,
        truncated: finishReason === "length",
      }));
    },
    close: () => opened.close(),
  };
}

function serverSource(
  { url, model }: { url: string; model: string },
  { temperature, topP, maxNewTokens = PAPER_CAP, seed }: EvalSampling,
  { concurrency, timeout }: { concurrency: number; timeout: number },
  store: string,
): AnswerSource {
  const server = openModelServer({ url, model, concurrency, timeoutMs: timeout * 1000, store });
  return {
    description: `${model} at ${url}`,
    thinking: "closed-if-opened",
    chunk: (samples) => Math.max(1, Math.ceil((4 * concurrency * availableParallelism()) / samples)),
    maxNewTokens,
    async answer(problems, samples, { signal, onProgress }) {
      const questions = problems.flatMap(({ row }) =>
        Array.from({ length: samples }, (_, sample) => ({
          messages: row.messages,
          sampling: { temperature, topP, maxTokens: maxNewTokens, seed: seed + sample },
          sample,
        })),
      );
      const answers = await server.askAll(questions, { signal, onProgress: ({ done }) => onProgress(done) });
      return answers.map(({ text, reasoning, finishReason, completionTokens }) => ({
        text: reasoning === undefined ? text : `<think>${reasoning}</think>${text}`,
        length: completionTokens,
        truncated: finishReason === "length",
      }));
    },
    close: async () => server.close(),
  };
}
