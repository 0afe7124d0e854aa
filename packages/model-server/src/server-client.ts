// Requests to an OpenAI-compatible server: many at a time within bounds, tried again where that can help, errors that say what came.
import { ConfigError, LongcotError } from "@longcot/errors";
import OpenAI, { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from "openai";
import { setTimeout } from "node:timers/promises";

export interface ClientOptions {
  /** Base of the API, such as `http://localhost:8000/v1`. */
  readonly url: string;
  /** The model's name at the server. */
  readonly model: string;
  /** Default: the environment's `OPENAI_API_KEY`, else none. Never written anywhere. */
  readonly apiKey?: string;
  /** Requests under way at a time. Default 16. */
  readonly concurrency?: number;
  /** Milliseconds until a request counts as hung and is made again. Default 600,000. */
  readonly timeoutMs?: number;
  /** Times that a request is made again after 408, 409, 429, 5xx, a lost connection or a hang, waiting longer each time. Default 8. */
  readonly retries?: number;
}

export interface ServerClient {
  /**
   * The JSON that answers a request, made again where an error may pass.
   * @throws LongcotError when it fails for good, with the client's error as cause; the signal's reason when it is aborted.
   */
  request<Body>(send: (api: OpenAI) => Promise<Response>, signal: AbortSignal): Promise<Body>;
  /** Calls `work` with every item, `concurrency` at a time. The first failure stops the others and is thrown, as is the signal's reason. */
  forEach<Item>(items: readonly Item[], work: (item: Item, stopped: AbortSignal) => Promise<void>, signal?: AbortSignal): Promise<void>;
}

/** A client; nothing is asked yet. @throws ConfigError for a url that is none, or numbers out of range. */
export function openClient(who: string, options: ClientOptions & { readonly store?: string }): ServerClient {
  const { url, model, concurrency = 16, timeoutMs = 600_000, retries = 8 } = options;
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
  const api = new OpenAI({
    baseURL: url,
    apiKey: options.apiKey ?? process.env["OPENAI_API_KEY"] ?? "none",
    timeout: timeoutMs,
    maxRetries: retries,
  });
  return {
    async request<Body>(send: (client: OpenAI) => Promise<Response>, signal: AbortSignal): Promise<Body> {
      try {
        // The client tries again until an answer begins; one that then breaks off, stalls or is garbled is asked for again here.
        for (let attempt = 0; ; attempt++) {
          const body = await readBody<Body>(await send(api), signal);
          if (!(body instanceof Error)) return body;
          signal.throwIfAborted();
          if (attempt >= retries) throw new APIConnectionError({ message: body.message, cause: body });
          await setTimeout(Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** attempt), undefined, { signal }).catch(() => signal.throwIfAborted());
        }
      } catch (error) {
        if (error instanceof APIUserAbortError && signal.aborted) throw signal.reason;
        throw serverError(error);
      }
    },
    async forEach(items, work, signal) {
      // The first failure stops the others, so that nothing is paid for that nobody waits for.
      const stop = new AbortController();
      const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < items.length && !stopped.aborted) await work(items[next++]!, stopped);
      };
      const workers = Array.from({ length: Math.min(concurrency, items.length) }, () =>
        worker().catch((error: unknown) => {
          if (!stop.signal.aborted) stop.abort(error);
        }),
      );
      await Promise.all(workers);
      signal?.throwIfAborted();
      stop.signal.throwIfAborted();
    },
  };

  /** The JSON of a response, or why it did not come whole in time. */
  async function readBody<Body>(response: Response, signal: AbortSignal): Promise<Body | Error> {
    const late = new AbortController();
    const deadline = setTimeout(timeoutMs, undefined, { signal: AbortSignal.any([late.signal, signal]), ref: false }).then(
      () => new Error(`the answer stopped for ${timeoutMs} ms`),
      () => new Error("aborted"),
    );
    const body = response.text().then(
      (text) => JSON.parse(text) as Body,
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
