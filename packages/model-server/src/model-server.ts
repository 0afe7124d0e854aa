// An OpenAI-compatible server: many questions at a time within bounds, tried again where that can help, answers kept as they come.
import { ConfigError, LongcotError } from "@longcot/errors";
import OpenAI, { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from "openai";
import { setTimeout } from "node:timers/promises";
import { fileStore, memoryStore } from "./answer-store.ts";
import { questionKey, type Answer, type Question } from "./question.ts";

export interface ModelServerOptions {
  /** Base of the API, such as `http://localhost:8000/v1`. */
  readonly url: string;
  /** The model's name at the server. */
  readonly model: string;
  /** Default: the environment's `OPENAI_API_KEY`, else none. Never written anywhere. */
  readonly apiKey?: string;
  /** Questions under way at a time. Default 16. */
  readonly concurrency?: number;
  /** Milliseconds until a question counts as hung and is asked again. Default 600,000. */
  readonly timeoutMs?: number;
  /** Times that a question is asked again after 408, 409, 429, 5xx, a lost connection or a hang, waiting longer each time. Default 8. */
  readonly retries?: number;
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
  const { url, model, concurrency = 16, timeoutMs = 600_000, retries = 8 } = options;
  const who = "openModelServer";
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ConfigError({
      who,
      argument: "url",
      expected: "the http address of an API, such as http://localhost:8000/v1",
      received: url,
    });
  for (const [argument, value, least] of [
    ["concurrency", concurrency, 1],
    ["timeoutMs", timeoutMs, 1],
    ["retries", retries, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < least)
      throw new ConfigError({ who, argument, expected: `a whole number from ${least}`, received: String(value) });
  }
  const client = new OpenAI({
    baseURL: url,
    apiKey: options.apiKey ?? process.env["OPENAI_API_KEY"] ?? "none",
    timeout: timeoutMs,
    maxRetries: retries,
  });
  const store = options.store === undefined ? memoryStore() : fileStore(options.store);
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
      // The first failure stops the others, so that nothing is paid for that nobody waits for.
      const stop = new AbortController();
      const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < open.length && !stopped.aborted) {
          const [key, { question, times }] = open[next++]!;
          store.add(key, await ask(question, stopped));
          done += times;
          onProgress?.({ done, total });
        }
      };
      const workers = Array.from({ length: Math.min(concurrency, open.length) }, () =>
        worker().catch((error: unknown) => {
          if (!stop.signal.aborted) stop.abort(error);
        }),
      );
      await Promise.all(workers);
      signal?.throwIfAborted();
      stop.signal.throwIfAborted();
      return keys.map((key) => store.get(key)!);
    },
    ask: (question, { signal = new AbortController().signal } = {}) => ask(question, signal),
    close: () => store.close(),
  };

  async function ask({ messages, sampling = {} }: Question, signal: AbortSignal): Promise<Answer> {
    const { temperature, topP, maxTokens, seed } = sampling;
    try {
      const body = {
        model,
        messages: messages.map(({ role, content }) => ({ role, content })),
        ...(temperature === undefined ? {} : { temperature }),
        ...(topP === undefined ? {} : { top_p: topP }),
        ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
        ...(seed === undefined ? {} : { seed }),
      };
      // The client tries again until an answer begins; one that then breaks off, stalls or is garbled is asked for again here.
      for (let attempt = 0; ; attempt++) {
        const response = await client.chat.completions.create(body, { signal }).asResponse();
        const text = await readBody(response, signal);
        if (text instanceof Error) {
          signal.throwIfAborted();
          if (attempt >= retries) throw new APIConnectionError({ message: text.message, cause: text });
          await setTimeout(Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** attempt), undefined, { signal }).catch(() => signal.throwIfAborted());
        } else return answerOf(text, url);
      }
    } catch (error) {
      if (error instanceof APIUserAbortError && signal.aborted) throw signal.reason;
      throw serverError(error);
    }
  }

  /** The completion in a response, or why it did not come whole in time. */
  async function readBody(response: Response, signal: AbortSignal): Promise<OpenAI.Chat.ChatCompletion | Error> {
    const late = new AbortController();
    const deadline = setTimeout(timeoutMs, undefined, { signal: AbortSignal.any([late.signal, signal]), ref: false }).then(
      () => new Error(`the answer stopped for ${timeoutMs} ms`),
      () => new Error("aborted"),
    );
    const body = response.text().then(
      (text) => JSON.parse(text) as OpenAI.Chat.ChatCompletion,
      (error: Error) => error,
    );
    try {
      return await Promise.race([body, deadline]);
    } catch (error) {
      return new Error(`an answer that is no JSON (${(error as Error).message})`);
    } finally {
      late.abort();
      // Frees the connection of an answer that nobody waits for; one that was read to its end has none.
      void body.catch(() => {});
      void response.body?.cancel().catch(() => {});
    }
  }

  function serverError(cause: unknown): unknown {
    if (!(cause instanceof APIError)) return cause;
    const kept = options.store === undefined ? "" : `; the answers so far are in ${options.store}, start again to go on`;
    const tries = `after ${retries + 1} tries${kept}`;
    const received =
      cause instanceof APIConnectionTimeoutError
        ? `none in ${timeoutMs} ms, ${tries}`
        : cause instanceof APIConnectionError
          ? `no connection (${(cause.cause as Error | undefined)?.message ?? cause.message}), ${tries}`
          : `status ${cause.status}: ${cause.message}${isPassing(cause.status) ? `, ${tries}` : kept}`;
    return new LongcotError({ who: `${model} at ${url}`, expected: "an answer", received, cause });
  }
}

/** Between two tries of an answer that broke off, doubled each time up to the most. */
const PAUSE_MS = 500;
const MAX_PAUSE_MS = 8_000;

/** Whether a status may pass with time. */
const isPassing = (status: number | undefined): boolean => status === 408 || status === 409 || status === 429 || (status ?? 0) >= 500;

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
