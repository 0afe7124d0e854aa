// An OpenAI-compatible server: many questions at a time within bounds, tried again where that can help, answers kept as they come.
import { LongcotError } from "@longcot/errors";
import type OpenAI from "openai";
import { fileStore, memoryStore } from "./answer-store.ts";
import { openClient, type ClientOptions } from "./server-client.ts";
import { questionKey, type Answer, type Question } from "./question.ts";

export interface ModelServerOptions extends ClientOptions {
  /** A file for the answers; absent: they last as long as the process. */
  readonly store?: string;
}

export interface AskOptions {
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
}

export interface ModelServer {
  readonly model: string;
  /**
   * Answers in the order of the questions. A question that the store has an answer to is not asked.
   * @throws LongcotError when a question fails for good: those answered until then are in the store; the signal's reason when it is aborted.
   */
  askAll(questions: readonly Question[], options?: AskOptions): Promise<Answer[]>;
  /**
   * One answer, which is not kept: the caller has a store of its own. Errors that may pass are tried again as in {@link askAll}.
   * @throws LongcotError when the question fails for good, with the client's error and its `status` as cause; the signal's reason when it is aborted.
   */
  ask(question: Question, options?: { readonly signal?: AbortSignal }): Promise<Answer>;
  close(): void;
}

/**
 * A client of the server at `url`. Nothing is asked yet.
 * @throws ConfigError for a url that is none, or numbers out of range.
 * @example
 * const server = openModelServer({ url: "http://localhost:8000/v1", model: "judge", store: "answers.jsonl" });
 * const [answer] = await server.askAll([{ messages: [{ role: "user", content: "2+3?" }], sampling: { temperature: 0 } }]);
 * server.close();
 */
export function openModelServer(options: ModelServerOptions): ModelServer {
  const { model, url } = options;
  const client = openClient("openModelServer", options);
  const store =
    options.store === undefined ? memoryStore<Answer>() : fileStore<Answer>(options.store, ({ text }) => typeof text === "string");
  return {
    model,
    async askAll(questions, { onProgress, signal } = {}) {
      const keys = questions.map((question) => questionKey(model, question));
      const asked = new Map<string, { question: Question; times: number }>();
      for (const [i, key] of keys.entries()) asked.set(key, { question: questions[i]!, times: (asked.get(key)?.times ?? 0) + 1 });
      const open = [...asked].filter(([key]) => store.get(key) === undefined);
      const total = questions.length;
      let done = total - open.reduce((sum, [, { times }]) => sum + times, 0);
      onProgress?.({ done, total });
      await client.forEach(
        open,
        async ([key, { question, times }], stopped) => {
          store.add(key, await ask(question, stopped));
          done += times;
          onProgress?.({ done, total });
        },
        signal,
      );
      return keys.map((key) => store.get(key)!);
    },
    ask: (question, { signal = new AbortController().signal } = {}) => ask(question, signal),
    close: () => store.close(),
  };

  async function ask({ messages, sampling = {} }: Question, signal: AbortSignal): Promise<Answer> {
    const { temperature, topP, maxTokens, seed } = sampling;
    const body = {
      model,
      messages: messages.map(({ role, content }) => ({ role, content })),
      ...(temperature === undefined ? {} : { temperature }),
      ...(topP === undefined ? {} : { top_p: topP }),
      ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
      ...(seed === undefined ? {} : { seed }),
    };
    return answerOf(
      await client.request<OpenAI.Chat.ChatCompletion>((api) => api.chat.completions.create(body, { signal }).asResponse(), signal),
      url,
    );
  }
}

function answerOf(completion: OpenAI.Chat.ChatCompletion, url: string): Answer {
  const choice = completion.choices?.[0];
  if (choice === undefined)
    throw new LongcotError({ who: url, expected: "a chat completion with a choice", received: JSON.stringify(completion).slice(0, 80) });
  const message = choice.message as typeof choice.message & { reasoning_content?: string | null; reasoning?: string | null };
  const reasoning = message.reasoning_content ?? message.reasoning ?? undefined;
  const finishReason = choice.finish_reason === "stop" || choice.finish_reason === "length" ? choice.finish_reason : "other";
  const usage = completion.usage;
  return {
    text: message.content ?? "",
    ...(reasoning === undefined ? {} : { reasoning }),
    finishReason,
    ...(usage == null ? {} : { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens }),
  };
}
