// A teacher behind an OpenAI-compatible server.
import type { ModelServer } from "@longcot/model-server";
import type { Teacher } from "./teacher.ts";

export interface ServerTeacherOptions {
  /** Questions under way at a time. */
  readonly concurrency: number;
  /** Fields that are absent are left to the server. */
  readonly sampling: { readonly temperature?: number; readonly topP?: number; readonly maxTokens?: number };
  /** Each sample is asked with a seed of its own, from this one on; absent: no seed is sent. */
  readonly seed?: number;
  /** Default 30,000. */
  readonly graceMs?: number;
}

/** Statuses that say something about the question, not about the server: too long, refused by a policy, not to be processed. */
const ABOUT_THE_QUESTION = [400, 413, 422];
/** Refusals in a row, with no answer in between, that say something about the server after all. */
const MOST_REFUSALS = 8;

/**
 * The teacher behind `server`. Errors that may pass (429, 5xx, hangs, lost connections) are the server's own retries; a question that it refuses comes
 * back as refused. Reasoning that the server splits off is put back in `<think>…</think>`.
 */
export function serverTeacher(server: ModelServer, { concurrency, sampling, seed, graceMs = 30_000 }: ServerTeacherOptions): Teacher {
  let refusals = 0;
  return {
    name: server.model,
    slots: concurrency,
    questionsPerCall: 1,
    graceMs,
    async ask([question], signal) {
      const { messages, sample } = question!;
      try {
        const answer = await server.ask(
          { messages, sample, sampling: { ...sampling, ...(seed === undefined ? {} : { seed: seed + sample }) } },
          { signal },
        );
        refusals = 0;
        const { text, reasoning, finishReason, promptTokens, completionTokens } = answer;
        return [
          {
            text: reasoning === undefined ? text : `<think>\n${reasoning.trim()}\n</think>\n\n${text}`,
            truncated: finishReason === "length",
            teacher: server.model,
            ...(promptTokens === undefined ? {} : { promptTokens }),
            ...(completionTokens === undefined ? {} : { completionTokens }),
          },
        ];
      } catch (error) {
        const { cause } = error as { cause?: { status?: number; message?: string } };
        if (!ABOUT_THE_QUESTION.includes(cause?.status ?? 0) || ++refusals > MOST_REFUSALS) throw error;
        return [{ text: "", truncated: false, teacher: server.model, refused: cause!.message ?? `status ${cause!.status}` }];
      }
    },
  };
}
