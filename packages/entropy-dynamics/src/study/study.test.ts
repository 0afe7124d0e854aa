// Findings on synthetic runs whose answer is known, effects against scipy.
import { expectClose } from "@longcot/vitest-config/close-to";
import { describe, expect, test } from "vitest";

import { studyCells } from "./cells.ts";
import { meanEffect, rankCorrelation } from "./effect.ts";
import { judgeFindings } from "./findings.ts";
import type { Finding } from "./findings.ts";
import { sgdSteps, summarizeRun } from "./study-run.ts";
import type { StudyRun, StudySettings } from "./study-run.ts";

const BASE: StudySettings = {
  batchSize: 32,
  miniBatchSize: 32,
  reuse: 1,
  groupSize: 8,
  temperature: 1,
  clipLow: 0.2,
  clipHigh: 0.2,
  loss: "magic",
  klCoefficient: 0,
  controller: "none",
  alpha: 0,
  targetNats: 0,
  controllerOptions: "",
  other: "",
};

/** A run of 40 steps whose entropy goes from `start` to `end` exponentially, with a slightly different end for each seed. */
function runs(
  cell: string,
  settings: Partial<StudySettings>,
  { start = 0.1, end, score }: { start?: number; end: number; score: number },
): StudyRun[] {
  return [1, 2, 3].map((seed) => {
    const last = end * (1 + 0.02 * seed);
    const curve = Array.from({ length: 40 }, (_, i) => start * (last / start) ** (i / 39));
    return {
      cell,
      seed,
      settings: { ...BASE, ...settings },
      steps: Array.from({ length: 40 }, (_, i) => i + 1),
      entropies: curve,
      measured: curve,
      scores: [
        { step: 0, score: 0.3 },
        { step: 40, score: score + 0.01 * seed },
      ],
    };
  });
}

const byId = (findings: readonly Finding[], id: string) => findings.find((finding) => finding.id === id)!;

const onPolicy = runs("on-policy", {}, { end: 0.08, score: 0.6 });
const offPolicy = runs("mini-batch-4", { miniBatchSize: 8 }, { end: 0.02, score: 0.45 });
const reuse = runs("reuse-4", { reuse: 4 }, { end: 0.015, score: 0.4 });
const small = runs("small", { batchSize: 8, miniBatchSize: 8 }, { end: 0.075, score: 0.55 });

describe("findings", () => {
  test("those that the runs show agree, with ratio and interval", () => {
    const findings = judgeFindings([...onPolicy, ...offPolicy, ...reuse, ...small]);
    for (const id of [
      "more-sgd-steps",
      "mini-batch",
      "reuse",
      "more-sgd-steps-score",
      "same-mini-batch-on-policy",
      "same-mini-batch-score",
      "rollout-batch",
    ])
      expect(byId(findings, id).verdict, id).toBe("agrees");
    const finding = byId(findings, "mini-batch");
    expect(finding.effect!.value).toBeGreaterThan(0.2);
    expect(finding.effect!.high).toBeLessThan(0.5);
    expect(finding.comparisons).toMatchObject([{ treatment: "mini-batch-4", control: "on-policy" }]);
    expect(byId(findings, "collapse-and-score")).toMatchObject({ verdict: "agrees", unit: "rank correlation" });
  });

  test("one whose cells are missing is not tested, and says what it takes", () => {
    expect(byId(judgeFindings(onPolicy), "temperature")).toEqual({
      id: "temperature",
      claim: "Sampling at temperature 0.6 instead of 1 starts at a lower entropy.",
      source: "§3.2.4, §4.3",
      verdict: "not tested",
      evidence: "It takes a cell at a temperature below 1 beside the same at 1.",
    });
    expect(judgeFindings([]).every(({ verdict }) => verdict === "not tested")).toBe(true);
  });

  test("the contrary does not agree, and noise is inconclusive", () => {
    const better = runs("mini-batch-4", { miniBatchSize: 8 }, { end: 0.2, score: 0.8 });
    const findings = judgeFindings([...onPolicy, ...better]);
    expect(byId(findings, "mini-batch").verdict).toBe("does not");
    expect(byId(findings, "more-sgd-steps-score").verdict).toBe("does not");
    const mixed = onPolicy.map((run, i) => ({
      ...offPolicy[i]!,
      entropies: run.entropies.map((value) => value * (i === 0 ? 3 : 0.5)),
    }));
    expect(byId(judgeFindings([...onPolicy, ...mixed]), "mini-batch").verdict).toBe("inconclusive");
  });

  test("explosion and collapse under constant α, by every seed", () => {
    const large = runs("alpha-0.1", { controller: "constant", alpha: 0.1 }, { end: 0.5, score: 0.1 });
    const little = runs("alpha-0.001", { controller: "constant", alpha: 0.001 }, { end: 0.02, score: 0.4 });
    const findings = judgeFindings([...onPolicy, ...large, ...little]);
    expect(byId(findings, "large-alpha").verdict).toBe("agrees");
    expect(byId(findings, "small-alpha").verdict).toBe("agrees");
    expect(byId(judgeFindings([...onPolicy, ...little]), "large-alpha").verdict).toBe("does not");
    expect(byId(judgeFindings([...onPolicy, ...little]), "small-alpha").verdict).toBe("not tested");
  });

  test("an adaptive controller holds only where the uncontrolled run fell below half of the target", () => {
    const held = runs(
      "adaptive",
      { miniBatchSize: 8, controller: "adaptive", targetNats: 0.1, controllerOptions: "x" },
      { end: 0.095, score: 0.5 },
    );
    const findings = judgeFindings([...onPolicy, ...offPolicy, ...held]);
    expect(byId(findings, "adaptive-holds")).toMatchObject({ verdict: "agrees", unit: "share of target" });
    expect(byId(findings, "adaptive-score").verdict).toBe("agrees");
    const idle = runs("free", { miniBatchSize: 8 }, { end: 0.09, score: 0.5 });
    expect(byId(judgeFindings([...idle, ...held]), "adaptive-holds").verdict).toBe("inconclusive");
    const lost = runs("adaptive", { miniBatchSize: 8, controller: "adaptive", targetNats: 0.1 }, { end: 0.03, score: 0.5 });
    expect(byId(judgeFindings([...offPolicy, ...lost]), "adaptive-holds").verdict).toBe("does not");
  });

  test("cells that differ in anything else are never compared", () => {
    const other = runs("mini-batch-4", { miniBatchSize: 8, other: "another learning rate" }, { end: 0.02, score: 0.4 });
    expect(byId(judgeFindings([...onPolicy, ...other]), "mini-batch").verdict).toBe("not tested");
  });
});

test("the collapse threshold is of the seed's own start at temperature 1", () => {
  const cold = runs("temperature-0.6", { temperature: 0.6 }, { start: 0.04, end: 0.04, score: 0.4 });
  const cells = studyCells([...onPolicy, ...cold, ...offPolicy], 0.5);
  expect(cells.map(({ name }) => name)).toEqual(["on-policy", "temperature-0.6", "mini-batch-4"]);
  expect(cells[0]!.bySeed.get(1)!.collapseStep).toBeUndefined();
  expect(cells[1]!.bySeed.get(1)!.collapseStep).toBe(5);
  expect(cells[2]!.bySeed.get(1)!.collapseStep).toBeGreaterThan(10);
});

test("the levels of a run by hand", () => {
  const run = { ...onPolicy[0]!, steps: [1, 2, 3, 4, 5, 6, 7, 8], entropies: [1, 1, 1, 1, 1, 2, 0, 0], measured: [1, 1, 1, 2] };
  expect(summarizeRun(run, 0.8)).toEqual({
    initialEntropy: 1,
    lastHalfMeasured: 1.5,
    finalEntropy: 0,
    peakEntropy: 1.2,
    collapseStep: 8,
    finalScore: run.scores[1]!.score,
    scoreGain: run.scores[1]!.score - 0.3,
    bestScore: run.scores[1]!.score,
  });
  expect(() => summarizeRun({ ...run, entropies: [1] }, 1)).toThrow("entropies must be one per step, at least 5, got 1 for 8 steps");
  expect(() => summarizeRun({ ...run, entropies: run.entropies.with(2, NaN) }, 1)).toThrow("entropies[2] must be a finite number, got NaN");
});

test("N_SGD of the paper's configurations (skywork §4.4): (N_SGD, D_R, D_T, N_reuse)", () => {
  for (const [n, batchSize, miniBatchSize, reuses] of [
    [1, 64, 64, 1],
    [2, 64, 32, 1],
    [2, 64, 64, 2],
    [4, 64, 16, 1],
    [4, 64, 64, 4],
    [4, 256, 64, 1],
  ] as const)
    expect(sgdSteps({ ...BASE, batchSize, miniBatchSize, reuse: reuses })).toBe(n);
});

test("effects against scipy: t.interval(0.95, 2, mean, sem) and spearmanr", () => {
  // scipy.stats.t.interval(0.95, 2, loc=np.mean([1,2,4]), scale=scipy.stats.sem([1,2,4])) = (-1.4612..., 6.1279...)
  const effect = meanEffect([1, 2, 4]);
  expectClose([effect.value, effect.low, effect.high], [7 / 3, -1.4612499, 6.1279166], { atol: 1e-5 });
  expect(meanEffect([2])).toEqual({ value: 2, low: -Infinity, high: Infinity, count: 1 });
  // scipy.stats.spearmanr([1,2,2,5,7,3], [2,1,4,4,9,5]).statistic = 0.7794117647058825
  expectClose([rankCorrelation([1, 2, 2, 5, 7, 3], [2, 1, 4, 4, 9, 5]).value], [0.7794117647058825], { atol: 1e-12 });
  expect(rankCorrelation([1, 2, 3, 4], [2, 3, 5, 9])).toEqual({ value: 1, low: 1, high: 1, count: 4 });
  expect(() => rankCorrelation([1, 1, 1], [1, 2, 3])).toThrow("at least two pairs that vary on both sides");
  expect(() => meanEffect([])).toThrow("values must be at least one, all finite, got []");
});
