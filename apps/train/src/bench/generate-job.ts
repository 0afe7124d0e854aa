// Generation of one response to each of many prompts, at temperature 1 from the whole vocabulary.
import { generate } from "@longcot/language-model";
import { timeCalls } from "./bench-job.ts";
import type { PrepareJob } from "./bench-job.ts";
import { createBenchModel, END_TOKEN, randomTokens } from "./bench-model.ts";
import { median } from "./median.ts";

export const prepareGeneration: PrepareJob = async (engine, shapes, ragged) => {
  const { model, parameters } = await createBenchModel(engine, shapes);
  const requests = Array.from({ length: shapes.sequences }, (_, prompt) => ({
    promptTokens: randomTokens(shapes.prompt, shapes.vocab, prompt),
    prompt,
    sample: 0,
  }));
  let runs = 0;
  const run = async (): Promise<number> => {
    const responses = await generate(model, requests, {
      decoding: { kind: "sample", temperature: 1, topP: 1, topK: 0 },
      maxNewTokens: shapes.new,
      seed: runs++,
      step: 0,
      eosTokenIds: ragged ? [END_TOKEN] : [],
    });
    return responses.reduce((sum, { tokens }) => sum + tokens.length, 0);
  };
  await run();
  return {
    async measure(repeats) {
      const counts: number[] = [];
      const seconds = await timeCalls(repeats, async () => counts.push(await run()));
      return { parameters, tokens_per_s: median(seconds.map((time, i) => counts[i]! / time)), median_of: repeats };
    },
  };
};
