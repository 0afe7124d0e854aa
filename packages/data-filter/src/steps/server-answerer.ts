// A model behind a server, as the difficulty pass asks it.
import type { ModelServer, Sampling } from "@longcot/model-server";
import type { Answerer } from "./measure-difficulty.ts";

/** Questions of a chunk for each that is under way: so many that those which wait for a chunk's last answers are few. */
const CHUNKS_OF_CONCURRENCY = 8;

/**
 * Answers by `server`; each sample has a seed of its own. Reasoning that the server splits off is put back before the answer.
 * @param options.name The key of the counts; default the model's name at the server.
 * @param options.concurrency Questions that `server` has under way at a time, and samples a problem: they make the size of a chunk.
 */
export function serverAnswerer(
  server: ModelServer,
  sampling: Omit<Sampling, "seed"> & { readonly seed?: number },
  { name = server.model, concurrency = 16, samples = 16 }: { name?: string; concurrency?: number; samples?: number } = {},
): Answerer {
  const { seed = 0 } = sampling;
  return {
    name,
    options: { model: server.model, sampling },
    chunk: Math.max(1, Math.ceil((CHUNKS_OF_CONCURRENCY * concurrency) / samples)),
    async answer(problems, samples, { signal, onProgress }) {
      const questions = problems.flatMap(({ messages }) =>
        Array.from({ length: samples }, (_, sample) => ({ messages, sampling: { ...sampling, seed: seed + sample }, sample })),
      );
      const answers = await server.askAll(questions, {
        ...(signal === undefined ? {} : { signal }),
        onProgress: ({ done }) => onProgress?.(done),
      });
      return problems.map((_, i) =>
        answers.slice(i * samples, (i + 1) * samples).map(({ text, reasoning, finishReason }) => ({
          text: reasoning === undefined ? text : `<think>${reasoning}</think>${text}`,
          truncated: finishReason === "length",
        })),
      );
    },
  };
}
