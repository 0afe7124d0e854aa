// A policy that answers problems, or goes on with answers that others began, and the verifier's verdict on each.
import { checkTokenizerFits, generate, loadLanguageModel, loadTokenizer, readModelConfig } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
import type { PromptRow } from "@longcot/data-filter";
import { openEngine } from "@longcot/tensor-kernels";
import { createVerifierPool, isJudged } from "@longcot/verifiers";
import type { EngineFlags } from "../cli/engine-options.ts";
import { encodePrompt, thinkingOf } from "../models/prompt-tokens.ts";
import { resolveModel } from "../models/resolve-model.ts";

export interface PolicyOptions extends EngineFlags {
  model: string;
  temperature: number;
  /** Cap on an answer, what it began with included; absent: what the model's positions leave. */
  maxNewTokens?: number;
  seed: number;
  /** Grading processes; absent: one per processor. */
  jobs?: number;
}

/** What is asked: a problem, and the text that its answer begins with. `sample` keys the draws, with the seed and the problem's number. */
export interface Opening {
  problem: number;
  begun: string;
  sample: number;
}

export interface JudgedAnswer {
  /** Whole, what it began with included. */
  text: string;
  /** Tokens drawn. */
  length: number;
  /** Cut at the cap. */
  truncated: boolean;
  isRight: boolean;
  /** False where the verdict says nothing of the answer. */
  isJudged: boolean;
}

export interface PolicyAnswerer extends AsyncDisposable {
  /** What computes, for the record. */
  description: string;
  maxNewTokens: number;
  /** What the generation prompt has opened already: it belongs to an answer's message, not to its tokens. */
  opening: "<think>" | "";
  /** One answer an opening, in their order. */
  answer(
    openings: readonly Opening[],
    options: { signal: AbortSignal; onProgress: (progress: { finished: number; total: number }) => void },
  ): Promise<JudgedAnswer[]>;
}

/** The policy `model` on an engine of its own, for the problems `rows`. @throws ConfigError where a prompt and the cap do not fit the model's positions. */
export async function openPolicyAnswerer(
  { model: reference, engine: kind, threads, temperature, maxNewTokens: asked, seed, jobs }: PolicyOptions,
  rows: readonly PromptRow[],
): Promise<PolicyAnswerer> {
  const directory = await resolveModel(reference);
  const config = await readModelConfig(directory);
  const tokenizer = await loadTokenizer(directory);
  checkTokenizerFits(config, tokenizer);
  const prompts = rows.map(({ messages }) => encodePrompt(tokenizer, messages));
  const longest = prompts.reduce((most, { length }) => Math.max(most, length), 0);
  const room = config.maxPositionEmbeddings - longest;
  const maxNewTokens = asked ?? room;
  if (maxNewTokens > room || maxNewTokens < 1)
    throw new ConfigError({
      who: "--max-new-tokens",
      expected: `at most ${room}: the longest prompt has ${longest} of the model's ${config.maxPositionEmbeddings} positions`,
      received: String(maxNewTokens),
    });
  const engine = await openEngine({ engine: kind, threads });
  const model = await loadLanguageModel(engine, directory).catch(async (error: unknown) => {
    await engine.close();
    throw error;
  });
  const thinking = thinkingOf(tokenizer);
  const pool = createVerifierPool({ ...(jobs === undefined ? {} : { jobs }), math: { thinking }, code: { thinking } });
  return {
    description: engine.description,
    maxNewTokens,
    opening: thinking === "required" ? "<think>" : "",
    async answer(openings, { signal, onProgress }) {
      const requests = openings.map(({ problem, begun, sample }) => {
        const start = begun === "" ? [] : tokenizer.encode(begun);
        return {
          promptTokens: Int32Array.from([...prompts[problem]!, ...start]),
          prompt: problem,
          sample,
          maxNewTokens: Math.max(1, maxNewTokens - start.length),
        };
      });
      const responses = await generate(model, requests, {
        decoding: { kind: "sample", temperature, topP: 1, topK: 0 },
        maxNewTokens,
        seed,
        step: ANSWER_STEP,
        eosTokenIds: tokenizer.eosTokenIds,
        signal,
        onProgress,
      });
      const answers = responses.map(({ tokens, finishReason }, i) => ({
        text: openings[i]!.begun + tokenizer.decode(tokens, { skipSpecialTokens: true }),
        length: tokens.length,
        truncated: finishReason === "length",
      }));
      const verdicts = await pool.grade(
        answers.map(({ text, truncated }, i) => {
          const { ability, groundTruth, dataSource, messages, extraInfo } = rows[openings[i]!.problem]!;
          return { id: String(i), ability, response: text, groundTruth, truncated, dataSource, prompt: messages, extraInfo };
        }),
        { signal },
      );
      return answers.map((answer, i) => ({
        ...answer,
        isRight: verdicts[i]!.outcome === "correct",
        isJudged: isJudged(verdicts[i]!),
      }));
    },
    async [Symbol.asyncDispose]() {
      await pool.close();
      await engine.close();
    },
  };
}

/** A step that no training reaches: keeps these draws apart from those of rollouts and evaluations. */
const ANSWER_STEP = 2 ** 31 + 3;
