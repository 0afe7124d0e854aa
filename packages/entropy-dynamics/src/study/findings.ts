// The paper's findings on entropy (arXiv 2505.22312 §3.2.4, §3.2.6, §4), each held against the runs of a study.
//
// To add one: write an entry of FINDINGS whose `judge` picks the cells it needs by their settings, never by their names.
import { comparePairs, pairCells, pooledEffect, studyCells } from "./cells.ts";
import type { CellComparison, StudyCell } from "./cells.ts";
import { meanEffect, rankCorrelation } from "./effect.ts";
import type { Effect } from "./effect.ts";
import { mean, sgdSteps } from "./study-run.ts";
import type { RunSummary, StudyRun, StudySettings } from "./study-run.ts";

/**
 * `agrees`: the 95% interval lies on the claim's side. `does not`: it lies on the other side. `inconclusive`: it holds both.
 * `not tested`: the study lacks the cells.
 */
export type Verdict = "agrees" | "does not" | "inconclusive" | "not tested";

/** What an effect counts. `ratio`: quotient of entropies; `score`: difference of held-out shares; `share of target`: mean entropy / target. */
export type EffectUnit = "ratio" | "score" | "share of target" | "rank correlation";

/** A finding of the paper and what the study says of it. */
export interface Finding {
  readonly id: string;
  /** The paper's claim, in one sentence. */
  readonly claim: string;
  /** Section of the paper. */
  readonly source: string;
  readonly verdict: Verdict;
  /** What was compared, in one sentence; for `not tested`, which cells it would take. */
  readonly evidence: string;
  /** Absent when not tested. A `ratio` is a ratio again (not its logarithm), and so are its bounds. */
  readonly effect?: Effect;
  readonly unit?: EffectUnit;
  /** The effect of each pair of cells behind it. */
  readonly comparisons?: readonly { readonly treatment: string; readonly control: string; readonly effect: Effect }[];
}

export interface FindingOptions {
  /** Fraction of the initial entropy at which a run counts as collapsed. Default 0.5, as in the acceptance of a controller. */
  readonly collapseFraction?: number;
  /** Multiple of the initial entropy from which on it counts as exploded. Default 2. */
  readonly explosionFactor?: number;
  /** Entropies whose ratio stays between 1 / this and this show "no notable change". Default 1.5. */
  readonly equalityMargin?: number;
}

type Judgement = Omit<Finding, "id" | "claim" | "source">;
interface Claim {
  readonly id: string;
  readonly claim: string;
  readonly source: string;
  /** What the grid needs for it. */
  readonly needs: string;
  readonly judge: (study: Study) => Judgement | undefined;
}
interface Study extends Required<FindingOptions> {
  readonly cells: readonly StudyCell[];
}

/**
 * Returns every finding of the paper with this study's verdict, in the paper's order.
 *
 * An effect is a mean over seeds of paired differences (same seed, same initial model), entropies compared by the
 * logarithm of the ratio of their last-quarter means; its interval is Student's over seeds.
 *
 * @throws ShapeError, NumericError as `summarizeRun`.
 */
export function judgeFindings(runs: readonly StudyRun[], options: FindingOptions = {}): Finding[] {
  const { collapseFraction = 0.5, explosionFactor = 2, equalityMargin = 1.5 } = options;
  const study = { cells: studyCells(runs, collapseFraction), collapseFraction, explosionFactor, equalityMargin };
  return CLAIMS.map(({ id, claim, source, needs, judge }) => ({
    id,
    claim,
    source,
    ...(judge(study) ?? { verdict: "not tested" as const, evidence: `It takes ${needs}.` }),
  }));
}

const isUncontrolled = (s: StudySettings) => s.controller === "none" || (s.controller === "constant" && s.alpha === 0);
const isOnPolicy = (s: StudySettings) => sgdSteps(s) === 1;
const finalRatio = (t: RunSummary, c: RunSummary) => Math.log(t.finalEntropy / c.finalEntropy);
const scoreDifference = (t: RunSummary, c: RunSummary) =>
  t.finalScore === undefined || c.finalScore === undefined ? undefined : t.finalScore - c.finalScore;

const CLAIMS: readonly Claim[] = [
  {
    id: "temperature",
    claim: "Sampling at temperature 0.6 instead of 1 starts at a lower entropy.",
    source: "§3.2.4, §4.3",
    needs: "a cell at a temperature below 1 beside the same at 1",
    judge: ({ cells }) =>
      direction(
        comparePairs(
          pairCells(cells, ["temperature"], (t, c) => t.temperature < 1 && c.temperature === 1),
          (t, c) => Math.log(t.initialEntropy / c.initialEntropy),
        ),
        { side: "below", unit: "ratio", what: "entropy of the first steps" },
      ),
  },
  {
    id: "temperature-score",
    claim: "Sampling at temperature 0.6 learns less in the end.",
    source: "§3.2.4",
    needs: "a cell at a temperature below 1 beside the same at 1",
    judge: ({ cells }) =>
      direction(
        comparePairs(
          pairCells(cells, ["temperature"], (t, c) => t.temperature < 1 && c.temperature === 1),
          scoreDifference,
        ),
        { side: "below", unit: "score", what: "held-out score at the end" },
      ),
  },
  {
    id: "rollout-batch",
    claim: "On-policy, the number of prompts a step does not notably change the entropy.",
    source: "§4.3",
    needs: "two on-policy cells that differ in their batch size alone",
    judge: ({ cells, equalityMargin }) =>
      equality(
        comparePairs(
          pairCells(
            cells,
            ["batchSize", "miniBatchSize"],
            (t, c) => isOnPolicy(t) && isOnPolicy(c) && isUncontrolled(t) && t.batchSize < c.batchSize,
          ),
          finalRatio,
        ),
        equalityMargin,
      ),
  },
  {
    id: "group-size",
    claim: "On-policy, the group size does not notably change the entropy.",
    source: "§4.3",
    needs: "two on-policy cells that differ in their group size alone",
    judge: ({ cells, equalityMargin }) =>
      equality(
        comparePairs(
          pairCells(cells, ["groupSize"], (t, c) => isOnPolicy(t) && isUncontrolled(t) && t.groupSize < c.groupSize),
          finalRatio,
        ),
        equalityMargin,
      ),
  },
  {
    id: "more-sgd-steps",
    claim: "More SGD steps per rollout make entropy fall faster.",
    source: "§4.4",
    needs: "cells with N_SGD of 1 and above, by smaller mini-batches or by reuse",
    judge: ({ cells }) =>
      direction(comparePairs(moreSgdSteps(cells, ["miniBatchSize", "reuse"]), finalRatio), {
        side: "below",
        unit: "ratio",
        what: "final entropy against N_SGD = 1",
      }),
  },
  {
    id: "mini-batch",
    claim: "Smaller mini-batches alone make entropy fall faster.",
    source: "§4.4",
    needs: "a cell with a smaller mini-batch beside the on-policy one",
    judge: ({ cells }) =>
      direction(comparePairs(moreSgdSteps(cells, ["miniBatchSize"]), finalRatio), {
        side: "below",
        unit: "ratio",
        what: "final entropy against N_SGD = 1",
      }),
  },
  {
    id: "reuse",
    claim: "Reuse of the rollouts alone makes entropy fall faster.",
    source: "§4.4",
    needs: "a cell with reuse beside the on-policy one",
    judge: ({ cells }) =>
      direction(comparePairs(moreSgdSteps(cells, ["reuse"]), finalRatio), {
        side: "below",
        unit: "ratio",
        what: "final entropy against N_SGD = 1",
      }),
  },
  {
    id: "more-sgd-steps-score",
    claim: "More SGD steps per rollout end at a worse test score.",
    source: "§4.4",
    needs: "cells with N_SGD of 1 and above, evaluated",
    judge: ({ cells }) =>
      direction(comparePairs(moreSgdSteps(cells, ["miniBatchSize", "reuse"]), scoreDifference), {
        side: "below",
        unit: "score",
        what: "held-out score at the end against N_SGD = 1",
      }),
  },
  {
    id: "same-mini-batch-on-policy",
    claim: "On-policy with the same small mini-batch has no such fall: stale data is the cause, not the small batch.",
    source: "§4.4",
    needs: "an off-policy cell (N_SGD above 1, no reuse) beside an on-policy one of the same mini-batch size",
    judge: ({ cells }) =>
      direction(comparePairs(sameMiniBatch(cells), finalRatio), {
        side: "above",
        unit: "ratio",
        what: "final entropy, on-policy against off-policy",
      }),
  },
  {
    id: "same-mini-batch-score",
    claim: "On-policy with the same small mini-batch ends at a better test score.",
    source: "§4.4",
    needs: "an off-policy cell (N_SGD above 1, no reuse) beside an on-policy one of the same mini-batch size, evaluated",
    judge: ({ cells }) =>
      direction(comparePairs(sameMiniBatch(cells), scoreDifference), {
        side: "above",
        unit: "score",
        what: "held-out score at the end, on-policy against off-policy",
      }),
  },
  {
    id: "larger-buffer",
    claim: "A larger rollout buffer while off-policy does not help: entropy falls at least as fast.",
    source: "§4.4",
    needs: "two off-policy cells of the same N_SGD whose batch and mini-batch differ by one factor",
    judge: ({ cells, equalityMargin }) =>
      atMost(
        comparePairs(
          pairCells(
            cells,
            ["batchSize", "miniBatchSize"],
            (t, c) => !isOnPolicy(t) && isUncontrolled(t) && sgdSteps(t) === sgdSteps(c) && t.batchSize > c.batchSize,
          ),
          finalRatio,
        ),
        equalityMargin,
      ),
  },
  {
    id: "large-alpha",
    claim: "A constant α that is too large makes entropy explode.",
    source: "§4.5",
    needs: "a cell with a constant α",
    judge: ({ cells, explosionFactor }) => {
      const constant = constants(cells);
      return threshold(
        constant.at(-1),
        (run) => run.peakEntropy / run.initialEntropy,
        explosionFactor,
        "above",
        "peak entropy against the initial",
      );
    },
  },
  {
    id: "small-alpha",
    claim: "A constant α that is too small does not keep entropy from collapsing.",
    source: "§4.5",
    needs: "two cells with constant α, a small and a large one",
    judge: ({ cells, collapseFraction }) => {
      const constant = constants(cells);
      if (constant.length < 2) return undefined;
      return threshold(
        constant[0],
        (run) => run.finalEntropy / run.initialEntropy,
        collapseFraction,
        "below",
        "final entropy against the initial",
      );
    },
  },
  {
    id: "adaptive-holds",
    claim: "The adaptive controller holds entropy near its target or above.",
    source: "§3.2.5, §4.5",
    needs: "an adaptive cell beside the same without control",
    judge: ({ cells }) => adaptiveHolds(cells),
  },
  {
    id: "adaptive-score",
    claim: "Off-policy, adaptive control ends at a better test score than none.",
    source: "§4.5",
    needs: "an off-policy adaptive cell beside the same without control, evaluated",
    judge: ({ cells }) =>
      direction(
        comparePairs(
          controlledPairs(cells).filter(([t]) => !isOnPolicy(t.settings)),
          scoreDifference,
        ),
        { side: "above", unit: "score", what: "held-out score at the end, adaptive against none" },
      ),
  },
  {
    id: "clip-higher",
    claim: "Clip-higher slows the fall of entropy.",
    source: "§4.5",
    needs: "an off-policy cell with a raised ε_high beside the same with ε_high = ε_low",
    judge: ({ cells }) =>
      direction(comparePairs(clipHigherPairs(cells), finalRatio), {
        side: "above",
        unit: "ratio",
        what: "final entropy against ε_high = ε_low",
      }),
  },
  {
    id: "clip-higher-score",
    claim: "Clip-higher of 0.25 to 0.265 ends at a better test score.",
    source: "§4.5",
    needs: "an off-policy cell with ε_high between 0.24 and 0.27 beside the same with ε_high = ε_low, evaluated",
    judge: ({ cells }) =>
      direction(
        comparePairs(
          clipHigherPairs(cells).filter(([t]) => t.settings.clipHigh >= 0.24 && t.settings.clipHigh <= 0.27),
          scoreDifference,
        ),
        { side: "above", unit: "score", what: "held-out score at the end against ε_high = ε_low" },
      ),
  },
  {
    id: "clip-higher-explodes",
    claim: "ε_high = 0.28 makes entropy rise sharply.",
    source: "§4.5",
    needs: "an off-policy cell with ε_high = 0.28",
    judge: ({ cells, explosionFactor }) =>
      threshold(
        cells.find(({ settings }) => settings.clipHigh === 0.28 && !isOnPolicy(settings) && isUncontrolled(settings)),
        (run) => run.finalEntropy / run.initialEntropy,
        explosionFactor,
        "above",
        "final entropy against the initial",
      ),
  },
  {
    id: "kl",
    claim: "A KL term to the initial policy holds the score back.",
    source: "§3.2.6",
    needs: "a cell with a KL term beside the same without",
    judge: ({ cells }) =>
      direction(
        comparePairs(
          pairCells(cells, ["klCoefficient"], (t, c) => t.klCoefficient > 0 && c.klCoefficient === 0),
          scoreDifference,
        ),
        { side: "below", unit: "score", what: "held-out score at the end against no KL" },
      ),
  },
  {
    id: "collapse-and-score",
    claim: "Faster collapse goes with a worse test score.",
    source: "§4.4, §4.6",
    needs: "at least four uncontrolled cells at temperature 1, evaluated",
    judge: ({ cells }) => collapseAndScore(cells),
  },
];

function moreSgdSteps(cells: readonly StudyCell[], by: readonly ("miniBatchSize" | "reuse")[]): [StudyCell, StudyCell][] {
  return pairCells(cells, by, (t, c) => isOnPolicy(c) && !isOnPolicy(t) && isUncontrolled(t) && t.clipHigh === t.clipLow);
}

function sameMiniBatch(cells: readonly StudyCell[]): [StudyCell, StudyCell][] {
  return pairCells(
    cells,
    ["batchSize"],
    (t, c) => isOnPolicy(t) && !isOnPolicy(c) && isUncontrolled(t) && c.reuse === 1 && t.miniBatchSize === c.miniBatchSize,
  );
}

function controlledPairs(cells: readonly StudyCell[]): [StudyCell, StudyCell][] {
  return pairCells(
    cells,
    ["controller", "controllerOptions", "targetNats", "alpha"],
    (t, c) => t.controller === "adaptive" && isUncontrolled(c),
  );
}

function clipHigherPairs(cells: readonly StudyCell[]): [StudyCell, StudyCell][] {
  return pairCells(cells, ["clipHigh"], (t, c) => !isOnPolicy(t) && t.clipHigh > t.clipLow && c.clipHigh === c.clipLow);
}

/** Cells with a constant α, by α. */
function constants(cells: readonly StudyCell[]): StudyCell[] {
  return cells
    .filter(({ settings }) => settings.controller === "constant" && settings.alpha > 0)
    .toSorted((a, b) => a.settings.alpha - b.settings.alpha);
}

/** The verdict of an effect whose sign is claimed. */
function direction(
  comparisons: readonly CellComparison[],
  { side, unit, what }: { side: "above" | "below"; unit: "ratio" | "score"; what: string },
): Judgement | undefined {
  if (comparisons.length === 0) return undefined;
  const pooled = pooledEffect(comparisons);
  const isOn = (sign: number) => (sign > 0 ? pooled.low > 0 : pooled.high < 0);
  const claimed = side === "above" ? 1 : -1;
  return {
    verdict: isOn(claimed) ? "agrees" : isOn(-claimed) ? "does not" : "inconclusive",
    evidence: `${capital(what)}: ${named(comparisons)}.`,
    ...shown(pooled, unit, comparisons),
  };
}

/** The verdict of "no notable change": the interval of the ratio inside the margin, outside of it, or neither. */
function equality(comparisons: readonly CellComparison[], margin: number): Judgement | undefined {
  if (comparisons.length === 0) return undefined;
  const pooled = pooledEffect(comparisons);
  const bound = Math.log(margin);
  const isInside = pooled.low > -bound && pooled.high < bound;
  const isOutside = pooled.low > bound || pooled.high < -bound;
  return {
    verdict: isInside ? "agrees" : isOutside ? "does not" : "inconclusive",
    evidence: `Final entropy, taken as unchanged between ${(1 / margin).toFixed(2)} and ${margin.toFixed(2)} times: ${named(comparisons)}.`,
    ...shown(pooled, "ratio", comparisons),
  };
}

/** The verdict of "not higher", within the margin. */
function atMost(comparisons: readonly CellComparison[], margin: number): Judgement | undefined {
  if (comparisons.length === 0) return undefined;
  const pooled = pooledEffect(comparisons);
  const bound = Math.log(margin);
  return {
    verdict: pooled.high < bound ? "agrees" : pooled.low > bound ? "does not" : "inconclusive",
    evidence: `Final entropy, not higher than ${margin.toFixed(2)} times: ${named(comparisons)}.`,
    ...shown(pooled, "ratio", comparisons),
  };
}

/** The verdict of one cell's level against a bound: every seed on the claimed side, every seed on the other, or mixed. */
function threshold(
  cell: StudyCell | undefined,
  ratioOf: (run: RunSummary) => number,
  bound: number,
  side: "above" | "below",
  what: string,
): Judgement | undefined {
  if (cell === undefined) return undefined;
  const ratios = [...cell.bySeed.values()].map(ratioOf);
  const holds = ratios.map((ratio) => (side === "above" ? ratio >= bound : ratio <= bound));
  return {
    verdict: holds.every(Boolean) ? "agrees" : holds.some(Boolean) ? "inconclusive" : "does not",
    evidence: `${capital(what)} in ${cell.name}: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")} times by seed, claimed ${side} ${bound}.`,
    effect: exponential(meanEffect(ratios.map(Math.log))),
    unit: "ratio",
  };
}

/** Each seed's mean entropy of the last half over the target, where the uncontrolled run fell below half of it. */
function adaptiveHolds(cells: readonly StudyCell[]): Judgement | undefined {
  const pairs = controlledPairs(cells);
  if (pairs.length === 0) return undefined;
  const rows = pairs.flatMap(([adaptive, none]) =>
    [...adaptive.bySeed].flatMap(([seed, run]) => {
      const free = none.bySeed.get(seed);
      const { targetNats } = adaptive.settings;
      return free?.lastHalfMeasured === undefined || run.lastHalfMeasured === undefined
        ? []
        : [{ cell: adaptive.name, held: run.lastHalfMeasured / targetNats, free: free.lastHalfMeasured / targetNats }];
    }),
  );
  const tested = rows.filter(({ free }) => free < 0.5);
  if (rows.length === 0) return undefined;
  if (tested.length === 0)
    return {
      verdict: "inconclusive",
      evidence: `Without control entropy stayed above half of the target in every run (${rows.map(({ free }) => free.toFixed(2)).join(", ")} of it), so there was nothing to hold.`,
    };
  const held = tested.map((row) => row.held);
  return {
    verdict: held.every((share) => share >= 0.75) ? "agrees" : held.some((share) => share >= 0.75) ? "inconclusive" : "does not",
    evidence:
      `Mean measured entropy of the last half over the target in ${[...new Set(tested.map(({ cell }) => cell))].join(", ")}: ${held.map((share) => share.toFixed(2)).join(", ")}; ` +
      `without control ${tested.map(({ free }) => free.toFixed(2)).join(", ")}. Held means at least 0.75.`,
    effect: exponential(meanEffect(held.map(Math.log))),
    unit: "share of target",
  };
}

/** Rank correlation over cells of mean final entropy and mean final score: runs without control, at temperature 1. */
function collapseAndScore(cells: readonly StudyCell[]): Judgement | undefined {
  const points = cells
    .filter(({ settings }) => isUncontrolled(settings) && settings.temperature === 1)
    .flatMap(({ bySeed }) => {
      const runs = [...bySeed.values()];
      const scores = runs.flatMap(({ finalScore }) => (finalScore === undefined ? [] : [finalScore]));
      if (scores.length < runs.length || runs.length === 0) return [];
      return [{ entropy: mean(runs.map((run) => Math.log(run.finalEntropy))), score: mean(scores) }];
    });
  if (points.length < 4) return undefined;
  const effect = rankCorrelation(
    points.map(({ entropy }) => entropy),
    points.map(({ score }) => score),
  );
  return {
    verdict: effect.low > 0 ? "agrees" : effect.high < 0 ? "does not" : "inconclusive",
    evidence: `Rank correlation of final entropy and final score over ${points.length} uncontrolled cells, means over seeds.`,
    effect,
    unit: "rank correlation",
  };
}

function shown(pooled: Effect, unit: "ratio" | "score", comparisons: readonly CellComparison[]) {
  const convert = unit === "ratio" ? exponential : (effect: Effect) => effect;
  return {
    effect: convert(pooled),
    unit,
    comparisons: comparisons.map(({ treatment, control, effect }) => ({ treatment, control, effect: convert(effect) })),
  };
}

function exponential({ value, low, high, count }: Effect): Effect {
  return { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high), count };
}

const named = (comparisons: readonly CellComparison[]) =>
  comparisons.map(({ treatment, control }) => `${treatment} / ${control}`).join(", ");
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
