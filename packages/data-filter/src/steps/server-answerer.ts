// A model behind a server, as the difficulty pass asks it.
import type { ModelServer, Sampling } from "@longcot/model-server";
import type { Answerer } from "./measure-difficulty.ts";

/** Answers by `server`; each sample has a seed of its own. Reasoning that the server splits off is put back before the answer. */
export function serverAnswerer(server: ModelServer, sampling: Omit<Sampling, "seed"> & { readonly seed?: number }): Answerer {
  const { seed = 0 } = sampling;
  return {
    name: server.model,
    options: { sampling },
    async answer(problems, samples, signal) {
      const questions = problems.flatMap(({ messages }) =>
        Array.from({ length: samples }, (_, sample) => ({ messages, sampling: { ...sampling, seed: seed + sample }, sample })),
      );
      const answers = await server.askAll(questions, signal === undefined ? {} : { signal });
      return problems.map((_, i) =>
        answers.slice(i * samples, (i + 1) * samples).map(({ text, reasoning, finishReason }) => ({
          text: reasoning === undefined ? text : `<think>${reasoning}</think>${text}`,
          truncated: finishReason === "length",
        })),
      );
    },
  };
}
