// Top-k mass of a step by hand: of kept tokens, by source, verdict and place.
import { createArena, createRolloutWriter } from "@longcot/rollout-buffer";
import { expect, test } from "vitest";
import { entropyMetrics } from "./entropy-metrics.ts";

/** Three responses of two tokens; rows 0 and 1 are kept. */
function step(hasMass: boolean) {
  const writer = createRolloutWriter(createArena({ budgetBytes: 1 << 20 }), { optional: hasMass ? ["top_k_mass"] : [] });
  const masses = [
    [1, 0.5],
    [0.75, 0.25],
    [0, 0],
  ];
  for (const [sampleIndex, dataSource] of ["a", "b", "a"].entries()) {
    const row = writer.append({
      promptId: 0,
      sampleIndex,
      stage: 1,
      weightVersion: 0,
      dataSource,
      finishReason: "stop",
      promptTokens: Int32Array.of(1),
      responseTokens: Int32Array.of(2, 3),
      rolloutLogProbs: Float32Array.of(-1, -1),
    });
    writer.setPerRow("reward", row, 0);
    writer.setPerRow("advantage", row, sampleIndex - 1);
    writer.setCategory("outcome", row, sampleIndex === 1 ? "correct" : "wrong");
    writer.setPerToken("old_log_probs", row, Float32Array.of(-1, -1));
    writer.setPerToken("entropies", row, Float32Array.of(0.5, 0.5));
    if (hasMass) writer.setPerToken("top_k_mass", row, Float32Array.from(masses[row]!));
  }
  return writer.seal({ step: 1, seed: 1 });
}

const massesOf = (metrics: Record<string, number>) =>
  Object.fromEntries(Object.entries(metrics).filter(([name]) => name.startsWith("entropy/top_k_mass/")));

test("top-k mass: the mean over kept tokens, and of their parts", () => {
  expect(massesOf(entropyMetrics(step(true), [0, 1], 0))).toEqual({
    "entropy/top_k_mass/mean": 0.625,
    "entropy/top_k_mass/source/a": 0.75,
    "entropy/top_k_mass/source/b": 0.5,
    "entropy/top_k_mass/outcome/wrong": 0.75,
    "entropy/top_k_mass/outcome/correct": 0.5,
    "entropy/top_k_mass/position/1": 0.875,
    "entropy/top_k_mass/position/6": 0.375,
  });
});

test("without the measure there is no metric of it", () => {
  expect(massesOf(entropyMetrics(step(false), [0, 1], 0))).toEqual({});
});
