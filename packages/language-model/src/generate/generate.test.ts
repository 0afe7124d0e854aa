// Generation on every engine: transformers' greedy tokens, independence of the batch, refilling, growing and shrinking caches, limits.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expectClose } from "@longcot/vitest-config/close-to";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLanguageModel, loadLanguageModel } from "../model/language-model.ts";
import type { LanguageModel } from "../model/language-model.ts";
import { score } from "../score/score.ts";
import { ENGINES, openTinyModel, TINY_QWEN2 } from "../testing/engines.ts";
import { generate } from "./generate.ts";
import type { GenerationOptions, GenerationRequest } from "./generate.ts";

interface GreedyCase {
  prompt_ids: number[];
  output_ids: number[];
  logprobs: number[];
}
const { cases } = (JSON.parse(readFileSync(join(TINY_QWEN2, "expected.json"), "utf8")) as { greedy: { cases: GreedyCase[] } }).greedy;

const SAMPLING: GenerationOptions = {
  decoding: { kind: "sample", temperature: 1, topP: 1, topK: 0 },
  maxNewTokens: 12,
  seed: 3,
  step: 1,
  eosTokenIds: [],
};
const request = (length: number, prompt: number, sample = 0): GenerationRequest => ({
  promptTokens: Int32Array.from({ length }, (_, i) => (prompt * 37 + i * 11) % 600),
  prompt,
  sample,
});

describe.each(ENGINES)("generate on %s", (choice) => {
  let model: LanguageModel;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const opened = await openTinyModel(choice);
    model = opened.model;
    close = () => opened.engine.close();
  });
  afterAll(() => close());

  test("greedy tokens and log-probs are those of transformers", async () => {
    const requests = cases.map(({ prompt_ids }, prompt) => ({ promptTokens: Int32Array.from(prompt_ids), prompt, sample: 0 }));
    const responses = await generate(model, requests, {
      decoding: { kind: "greedy" },
      maxNewTokens: 40,
      seed: 0,
      step: 0,
      eosTokenIds: [],
    });
    responses.forEach(({ tokens, logProbs, finishReason }, i) => {
      expect([...tokens]).toEqual(cases[i]!.output_ids);
      expectClose(logProbs, cases[i]!.logprobs, { atol: 2e-4 }, `log-probs of case ${i}`);
      expect(finishReason).toBe("length");
    });
  });

  test("a response does not depend on the requests beside it, nor on how they take turns", async () => {
    const requests = [3, 9, 1, 14, 5, 5, 2, 8, 21, 4, 6].map((length, prompt) => request(length, prompt, prompt % 3));
    const together = await generate(model, requests, SAMPLING);
    const inTurns = await generate(model, requests, { ...SAMPLING, maxSlots: 8 });
    const alone = await Promise.all(requests.map(async (one) => (await generate(model, [one], SAMPLING))[0]!));
    expect(inTurns.map(({ tokens }) => [...tokens])).toEqual(together.map(({ tokens }) => [...tokens]));
    expect(alone.map(({ tokens }) => [...tokens])).toEqual(together.map(({ tokens }) => [...tokens]));
  });

  test("samples of one prompt differ, by sample, step and seed", async () => {
    const group = await generate(
      model,
      [0, 1, 2].map((sample) => request(6, 1, sample)),
      SAMPLING,
    );
    const later = await generate(model, [request(6, 1, 0)], { ...SAMPLING, step: 2 });
    const other = await generate(model, [request(6, 1, 0)], { ...SAMPLING, seed: 4 });
    const texts = [...group, ...later, ...other].map(({ tokens }) => tokens.join());
    expect(new Set(texts).size).toBe(5);
  });

  test("log-probs and entropies of sampling are those of scoring, at the temperature of both", async () => {
    const decoding = { kind: "sample", temperature: 0.7, topP: 1, topK: 0 } as const;
    const prompt = request(5, 2);
    const [response] = await generate(model, [prompt], { ...SAMPLING, decoding });
    const [measured] = await generate(model, [prompt], { ...SAMPLING, decoding: { ...decoding, massOf: 1 } });
    const { topMasses, ...rest } = measured!;
    expect(rest).toEqual(response);
    // The likeliest token has at least the probability of the chosen one, and nothing more than all of it.
    expect(topMasses!.every((mass, i) => mass >= Math.exp(response!.logProbs[i]!) - 1e-6 && mass <= 1 + 1e-6)).toBe(true);
    const [scored] = await score(model, [Int32Array.from([...prompt.promptTokens, ...response!.tokens])], { temperature: 0.7 });
    expectClose(response!.logProbs, scored!.logProbs.slice(5), { atol: 2e-5 });
    expectClose(response!.entropies, scored!.entropies.slice(5), { atol: 2e-5 });
  });

  test("responses end at an end token, at their own time, and sequences that leave make room", async () => {
    const free = await generate(
      model,
      Array.from({ length: 40 }, (_, i) => request(4, i)),
      { ...SAMPLING, maxNewTokens: 30 },
    );
    // The token that comes up most often ends responses early and late.
    const counts = new Map<number, number>();
    for (const { tokens } of free) for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
    const end = [...counts].toSorted((a, b) => b[1] - a[1])[0]![0];
    const ended = await generate(
      model,
      Array.from({ length: 40 }, (_, i) => request(4, i)),
      { ...SAMPLING, maxNewTokens: 30, eosTokenIds: [end], maxSlots: 16 },
    );
    ended.forEach(({ tokens, logProbs, finishReason }, i) => {
      const whole = [...free[i]!.tokens];
      const at = whole.indexOf(end);
      expect([...tokens]).toEqual(at < 0 ? whole : whole.slice(0, at + 1));
      expect(logProbs.length).toBe(tokens.length);
      expect(finishReason).toBe(at < 0 ? "length" : "stop");
    });
    expect(new Set(ended.map(({ tokens }) => tokens.length)).size).toBeGreaterThan(1);
  });

  test("requests with caps of their own are cut there, and otherwise as without", async () => {
    const requests = [3, 9, 5].map((length, prompt) => request(length, prompt));
    const options = { ...SAMPLING, eosTokenIds: [] };
    const [whole, capped] = [
      await generate(model, requests, options),
      await generate(
        model,
        requests.map((one, i) => ({ ...one, maxNewTokens: [4, 100, 7][i]! })),
        options,
      ),
    ];
    expect(capped.map(({ tokens }) => tokens.length)).toEqual([4, 12, 7]);
    capped.forEach(({ tokens }, i) => expect(tokens).toEqual(whole[i]!.tokens.slice(0, tokens.length)));
    await expect(generate(model, [{ ...request(3, 0), maxNewTokens: 0 }], SAMPLING)).rejects.toThrow("maxNewTokens of prompt 0");
  });

  test("a cache that grows on the way gives what one of full size gives", async () => {
    const long = [request(3, 1), request(200, 2)];
    const responses = await generate(model, long, { ...SAMPLING, maxNewTokens: 260 });
    const scored = await score(
      model,
      long.map(({ promptTokens }, i) => Int32Array.from([...promptTokens, ...responses[i]!.tokens])),
      { temperature: 1 },
    );
    responses.forEach(({ logProbs }, i) =>
      expectClose(logProbs, scored[i]!.logProbs.slice(long[i]!.promptTokens.length), { atol: 1e-4 }, `sequence ${i}`),
    );
  });

  test("a response that ends at the model's last position leaves the one beside it alone", async () => {
    // A cache of 1,536 positions, of which the model knows 1,280.
    const short = await createLanguageModel(model.engine, { ...model.config, maxPositionEmbeddings: 1280 }, {}, { seed: 0, name: "short" });
    const beside = [
      { ...request(1274, 0), maxNewTokens: 6 },
      { ...request(3, 1), maxNewTokens: 12 },
    ];
    const together = await generate(short, beside, SAMPLING);
    const alone = await Promise.all(beside.map(async (one) => (await generate(short, [one], SAMPLING))[0]!));
    expect(together.map(({ tokens }) => tokens.length)).toEqual([6, 12]);
    expect(together.map(({ tokens }) => [...tokens])).toEqual(alone.map(({ tokens }) => [...tokens]));
    together.forEach(({ logProbs }, i) => expectClose(logProbs, alone[i]!.logProbs, { atol: 1e-4 }, `sequence ${i}`));
  });

  test("two models of one engine generate apart", async () => {
    const twin = await loadLanguageModel(model.engine, TINY_QWEN2, { name: "twin" });
    const [first, second] = await Promise.all([generate(model, [request(4, 0)], SAMPLING), generate(twin, [request(4, 0)], SAMPLING)]);
    expect([...second[0]!.tokens]).toEqual([...first[0]!.tokens]);
  });

  test("refuses what does not fit, and stops when asked", async () => {
    await expect(generate(model, [request(0, 0)], SAMPLING)).rejects.toThrow("generate: prompt 0 must be at least one token, got none");
    await expect(generate(model, [request(48, 0)], { ...SAMPLING, maxNewTokens: 2001 })).rejects.toThrow(/at most 2000/);
    const stop = new AbortController();
    const reason = new Error("stop");
    const running = generate(model, [request(4, 0)], {
      ...SAMPLING,
      maxNewTokens: 500,
      signal: stop.signal,
      onProgress: ({ tokens }) => void (tokens >= 3 && stop.abort(reason)),
    });
    await expect(running).rejects.toBe(reason);
    expect((await generate(model, [request(4, 0)], SAMPLING))[0]!.tokens.length).toBe(12);
  });
});
