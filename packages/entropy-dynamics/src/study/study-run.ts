// What a study knows of one run, and the numbers that its findings compare: levels, falls and scores of an entropy curve.
import { NumericError, ShapeError } from "@longcot/errors";

/** The settings that the paper's ablations vary. Two cells are compared when they differ in nothing but what a finding is about. */
export interface StudySettings {
  /** D_R: prompts rolled out a step. */
  readonly batchSize: number;
  /** D_T: prompts in one optimizer step. */
  readonly miniBatchSize: number;
  /** N_reuse: passes over the rollouts of a step. */
  readonly reuse: number;
  /** M: responses to each prompt. */
  readonly groupSize: number;
  /** τ of the rollouts. */
  readonly temperature: number;
  readonly clipLow: number;
  readonly clipHigh: number;
  /** Name of the policy loss. */
  readonly loss: string;
  /** Weight of the KL term to a reference policy; 0 is none. */
  readonly klCoefficient: number;
  /** Kind of the entropy controller. */
  readonly controller: string;
  /** α of the constant controller; 0 for every other. */
  readonly alpha: number;
  /** Target of a controller that has one, in nats; 0 for every other. */
  readonly targetNats: number;
  /** What else the controller was given, as text. */
  readonly controllerOptions: string;
  /** Everything else that differs between cells, as text; cells whose `other` differs are never compared. */
  readonly other: string;
}

/** N_SGD = (D_R / D_T) · N_reuse: optimizer steps on the rollouts of one step, before rejection. */
export function sgdSteps({ batchSize, miniBatchSize, reuse }: StudySettings): number {
  return (batchSize / miniBatchSize) * reuse;
}

/** One cell of the grid under one seed. */
export interface StudyRun {
  readonly cell: string;
  readonly seed: number;
  readonly settings: StudySettings;
  /** Steps, ascending; `entropies` has one value for each. */
  readonly steps: readonly number[];
  /** Entropy of the policy over all responses of each step, nats per token. */
  readonly entropies: readonly number[];
  /** What a controller measured, over kept groups, of each step that had any, nats per token. */
  readonly measured: readonly number[];
  /** Held-out accuracy by step, ascending; shares in [0, 1]. */
  readonly scores: readonly { readonly step: number; readonly score: number }[];
}

/** Numbers of one run. */
export interface RunSummary {
  /** Mean entropy of the first {@link WINDOW_STEPS} steps. */
  readonly initialEntropy: number;
  /** Mean measured entropy of the last half of the steps that have one: what a controller is judged by; `undefined` if none has. */
  readonly lastHalfMeasured: number | undefined;
  /** Mean entropy of the last quarter of the steps. */
  readonly finalEntropy: number;
  /** Largest mean of {@link WINDOW_STEPS} steps in a row. */
  readonly peakEntropy: number;
  /** First step at which the trailing mean of {@link WINDOW_STEPS} steps is at most the threshold; `undefined`: never. */
  readonly collapseStep: number | undefined;
  /** Last score, the score gained since the first, and the best; `undefined` without evaluations. */
  readonly finalScore: number | undefined;
  readonly scoreGain: number | undefined;
  readonly bestScore: number | undefined;
}

/** Steps that a level or a fall is averaged over: single steps of small batches are noise. */
export const WINDOW_STEPS = 5;

/**
 * Returns the numbers of `run`; `collapseThreshold` in nats.
 *
 * @throws ShapeError when entropies and steps differ in number or there are fewer than {@link WINDOW_STEPS}.
 * @throws NumericError on an entropy that is not finite.
 */
export function summarizeRun(run: StudyRun, collapseThreshold: number): RunSummary {
  const { entropies, steps, scores, measured } = run;
  const who = `run ${run.cell}, seed ${run.seed}`;
  if (entropies.length !== steps.length || entropies.length < WINDOW_STEPS) {
    throw new ShapeError({
      who,
      argument: "entropies",
      expected: `one per step, at least ${WINDOW_STEPS}`,
      received: `${entropies.length} for ${steps.length} steps`,
    });
  }
  const bad = entropies.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new NumericError({ who, argument: `entropies[${bad}]`, expected: "a finite number", received: String(entropies[bad]) });
  const trailing = trailingMeans(entropies, WINDOW_STEPS);
  const collapsed = trailing.findIndex((value) => value <= collapseThreshold);
  const last = scores.at(-1)?.score;
  return {
    initialEntropy: trailing[0]!,
    lastHalfMeasured: measured.length === 0 ? undefined : mean(measured.slice(Math.floor(measured.length / 2))),
    finalEntropy: mean(entropies.slice(Math.floor((3 * entropies.length) / 4))),
    peakEntropy: trailing.reduce((most, value) => Math.max(most, value)),
    collapseStep: collapsed < 0 ? undefined : steps[collapsed + WINDOW_STEPS - 1],
    finalScore: last,
    scoreGain: last === undefined || scores.length < 2 ? undefined : last - scores[0]!.score,
    bestScore: scores.length === 0 ? undefined : scores.reduce((most, { score }) => Math.max(most, score), -Infinity),
  };
}

/** Mean of every `window` values in a row: entry i is of values i to i + window − 1. */
export function trailingMeans(values: readonly number[], window: number): number[] {
  return Array.from({ length: values.length - window + 1 }, (_, i) => mean(values.slice(i, i + window)));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
