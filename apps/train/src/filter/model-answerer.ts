// A model in this process, as the difficulty pass asks it: loaded with the first question, since a pass that is done asks none.
import type { Answerer, Message } from "@longcot/data-filter";
import { checkTokenizerFits, generate, loadLanguageModel, loadTokenizer, readModelConfig } from "@longcot/language-model";
import { ConfigError } from "@longcot/errors";
import { openEngine } from "@longcot/tensor-kernels";
import { encodePrompt } from "../models/prompt-tokens.ts";
import { resolveModel } from "../models/resolve-model.ts";

export interface ModelAnswererOptions {
  /** A folder, or a name on the hub. */
  model: string;
  /** The key of the counts. */
  name: string;
  /** Answers a problem. */
  rollouts: number;
  temperature: number;
  topP: number;
  /** Cap on an answer; undefined: the paper's 32,768, or what the model's positions leave for the longest prompt. */
  maxTokens: number | undefined;
  seed: number;
}

/** The paper's cap. Source: arXiv 2505.22312 §6.2. */
const PAPER_CAP = 32_768;
/** Sequences of a chunk: enough that its last ones do not leave the engine idle for long. */
const SEQUENCES_A_CHUNK = 1024;
/** The step of the sampling keys: none that training or evaluation uses. */
const DIFFICULTY_STEP = 2 ** 31 + 1;

/** Answers by the model in `options.model`. Close it at the end. */
export function modelAnswerer(options: ModelAnswererOptions): Answerer & { close: () => Promise<void> } {
  const { model: reference, name, rollouts, temperature, topP, seed } = options;
  let opened: Awaited<ReturnType<typeof open>> | undefined;
  return {
    name,
    options: { model: reference, temperature, topP, maxTokens: options.maxTokens ?? "what fits", seed },
    chunk: Math.max(1, Math.floor(SEQUENCES_A_CHUNK / rollouts)),
    async prepare(prompts) {
      opened ??= await open(options, prompts);
    },
    async answer(problems, samples, { signal, onProgress }) {
      const { model, tokenizer, maxNewTokens } = opened!;
      const requests = problems.flatMap(({ row, messages }) => {
        const promptTokens = encodePrompt(tokenizer, messages);
        return Array.from({ length: samples }, (_, sample) => ({ promptTokens, prompt: row, sample }));
      });
      const responses = await generate(model, requests, {
        decoding: { kind: "sample", temperature, topP, topK: 0 },
        maxNewTokens,
        seed,
        step: DIFFICULTY_STEP,
        eosTokenIds: tokenizer.eosTokenIds,
        ...(signal === undefined ? {} : { signal }),
        onProgress: ({ finished }) => onProgress?.(finished),
      });
      const texts = responses.map(({ tokens, finishReason }) => ({
        text: tokenizer.decode(tokens, { skipSpecialTokens: true }),
        truncated: finishReason === "length",
      }));
      return problems.map((_, i) => texts.slice(i * samples, (i + 1) * samples));
    },
    close: async () => opened?.engine.close(),
  };
}

async function open({ model: reference, maxTokens }: ModelAnswererOptions, prompts: AsyncIterable<readonly Message[]>) {
  const directory = await resolveModel(reference);
  const config = await readModelConfig(directory);
  const tokenizer = await loadTokenizer(directory);
  checkTokenizerFits(config, tokenizer);
  let longest = 0;
  for await (const messages of prompts) longest = Math.max(longest, encodePrompt(tokenizer, messages).length);
  const room = config.maxPositionEmbeddings - longest;
  const maxNewTokens = maxTokens ?? Math.min(PAPER_CAP, room);
  if (maxNewTokens > room || maxNewTokens < 1)
    throw new ConfigError({
      who: "measure-difficulty",
      argument: "max_tokens",
      expected: `at most ${room}: the longest prompt has ${longest} of the model's ${config.maxPositionEmbeddings} positions`,
      received: String(maxNewTokens),
      fix: "Put prompt-length before it, or ask for shorter answers",
    });
  const engine = await openEngine({ engine: "auto" });
  try {
    return { engine, tokenizer, maxNewTokens, model: await loadLanguageModel(engine, directory) };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
