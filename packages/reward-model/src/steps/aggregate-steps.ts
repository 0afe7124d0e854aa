// From probabilities of steps to one score of an answer.
import { NumericError, ShapeError } from "@longcot/errors";

/** `min`: the weakest step; `prod`: that all are right, were they independent; `last`: what the model says when it has seen all; `mean`. */
export const STEP_AGGREGATIONS = ["min", "prod", "last", "mean"] as const;
export type StepAggregation = (typeof STEP_AGGREGATIONS)[number];

/**
 * Returns the score of an answer whose steps are right with `probabilities` [steps], each from 0 to 1.
 * @throws ShapeError without a step. @throws NumericError on a number outside 0 … 1.
 * Source: min, arXiv 2312.08935 §3.3; prod and min, arXiv 2305.20050 appendix F; last, arXiv 2408.03314 §4.1.
 */
export function aggregateSteps(probabilities: ArrayLike<number>, aggregation: StepAggregation): number {
  const who = "aggregateSteps";
  const steps = Array.from(probabilities);
  if (steps.length === 0) throw new ShapeError({ who, argument: "probabilities", expected: "at least one", received: "none" });
  for (const [step, probability] of steps.entries())
    if (!(probability >= 0 && probability <= 1))
      throw new NumericError({ who, argument: `probabilities[${step}]`, expected: "a number from 0 to 1", received: String(probability) });
  switch (aggregation) {
    case "min":
      return Math.min(...steps);
    case "prod":
      return steps.reduce((product, probability) => product * probability, 1);
    case "last":
      return steps.at(-1)!;
    case "mean":
      return steps.reduce((sum, probability) => sum + probability, 0) / steps.length;
  }
}
