// Sampling at its edges: rounding of the cumulative sum, impossible tokens, frequencies, ties.
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { expectClose } from "@longcot/vitest-config/close-to";
import { keyedUniform } from "./keyed-random.ts";
import { greedyTokens, sampleTokens } from "./sampling.ts";
import { EAGER_BACKENDS, useBackend } from "./testing/eager-backends.ts";

const LARGEST_UNIFORM = 1 - 2 ** -24;

function sample(rows: number[][], uniforms: number[], options: { temperature?: number; topP?: number; topK?: number } = {}) {
  return tf.tidy(() => {
    const { tokens, logProbs } = sampleTokens({
      logits: tf.tensor2d(rows),
      uniforms: tf.tensor1d(uniforms),
      temperature: 1,
      ...options,
    });
    return {
      tokens: [...tokens.dataSync()],
      logProbs: [...logProbs.dataSync()],
      dtype: tokens.dtype,
    };
  });
}

describe.each(EAGER_BACKENDS)("sampleTokens on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  it("cuts [0, 1) at the cumulative probabilities", () => {
    const quarters = [0, 0, 0, 0];
    const { tokens, logProbs, dtype } = sample([quarters, quarters, quarters, quarters, quarters], [0, 0.249, 0.25, 0.5, 0.99]);
    expect(tokens).toEqual([0, 0, 1, 2, 3]);
    expect(dtype).toBe("int32");
    expectClose(
      logProbs,
      [1, 1, 1, 1, 1].map(() => Math.log(0.25)),
      { atol: 1e-6 },
    );
  });

  it("measures the mass of the likeliest tokens of the whole distribution, whatever it may choose from", () => {
    const logits = tf.tensor2d([[0.5, 0.125, 0.25, 0.0625, 0.0625].map(Math.log)]);
    const masses = [1, 2, 3, 5].map((massOf) =>
      sampleTokens({ logits, uniforms: tf.tensor1d([0.3]), temperature: 1, topK: 1, massOf }).topMasses!.dataSync(),
    );
    expectClose(
      Float32Array.from(masses, ([mass]) => mass!),
      [0.5, 0.75, 0.875, 1],
      { atol: 1e-6 },
    );
    expect(() => sampleTokens({ logits, uniforms: tf.tensor1d([0.3]), temperature: 1, massOf: 6 })).toThrow(
      "sampleTokens: massOf must be a positive integer up to the vocabulary's 5, got 6",
    );
  });

  it("never leaves the tokens of nonzero probability, at either end of [0, 1)", () => {
    const none = -1e9;
    const { tokens } = sample(
      [
        [none, none, 0, 1, none],
        [none, none, 0, 1, none],
      ],
      [0, LARGEST_UNIFORM],
    );
    expect(tokens).toEqual([2, 3]);
  });

  it("chooses a valid token for the largest uniform over many rounded sums", () => {
    const rows = Array.from({ length: 64 }, (_, row) =>
      Array.from({ length: 1001 }, (__, id) =>
        id < 1000 ? 6 * keyedUniform({ seed: row, step: 0, prompt: 0, sample: 0, position: id }) : -1e9,
      ),
    );
    const { tokens } = sample(
      rows,
      rows.map(() => LARGEST_UNIFORM),
    );
    // only rounding may move the choice: the mass above it is at most 1e-5 of the whole
    tokens.forEach((token, row) => {
      const weights = rows[row]!.map((logit) => Math.exp(logit));
      const total = weights.reduce((a, b) => a + b, 0);
      expect(weights[token]).toBeGreaterThan(0);
      expect(weights.slice(token + 1).reduce((a, b) => a + b, 0) / total).toBeLessThan(1e-5);
    });
  });

  it("draws with the distribution's frequencies", () => {
    const probabilities = [0.5, 0.2, 0.05, 0.25];
    const draws = 20_000;
    const logits = probabilities.map((p) => Math.log(p));
    const { tokens } = sample(
      Array.from({ length: draws }, () => logits),
      Array.from({ length: draws }, (_, position) => keyedUniform({ seed: 1, step: 0, prompt: 0, sample: 0, position })),
    );
    probabilities.forEach((p, id) => {
      const frequency = tokens.filter((token) => token === id).length / draws;
      expect(Math.abs(frequency - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / draws));
    });
  });

  it("top-p keeps the token that crosses the mass, top-k goes first", () => {
    const logits = [0.4, 0.3, 0.2, 0.1].map((p) => Math.log(p));
    const last = (options: { topP?: number; topK?: number }) => sample([logits], [LARGEST_UNIFORM], options).tokens[0];
    expect(last({ topP: 0.39 })).toBe(0);
    expect(last({ topP: 0.41 })).toBe(1);
    expect(last({ topK: 3 })).toBe(2);
    // of the two kept by top-k the first has 4/7 of the mass
    expect(last({ topK: 2, topP: 0.55 })).toBe(0);
    expect(last({ topK: 2, topP: 0.6 })).toBe(1);
  });

  it("reports log-probabilities before truncation", () => {
    const { logProbs } = sample([[0.4, 0.3, 0.2, 0.1].map((p) => Math.log(p))], [0], { topK: 1 });
    expectClose(logProbs, [Math.log(0.4)], { atol: 1e-6 });
  });

  it("greedyTokens takes the lowest id on a tie", () => {
    const { tokens } = greedyTokens({ logits: tf.tensor2d([[1, 3, 3]]) });
    expect([...tokens.dataSync()]).toEqual([1]);
  });

  it("refuses options out of range", () => {
    expect(() => sample([[0, 0]], [0], { temperature: 0 })).toThrow(/temperature must be a positive number/);
    expect(() => sample([[0, 0]], [0], { topP: 0 })).toThrow(/topP/);
    expect(() => sample([[0, 0]], [0], { topK: 1.5 })).toThrow(/topK/);
    expect(() => sample([[0, 0]], [0, 0])).toThrow(/uniforms must be float32 \[1\]/);
  });
});
