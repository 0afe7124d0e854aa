// Labels of steps by Monte Carlo: how often a policy that goes on from after a step arrives at a right answer.
import { ConfigError, ShapeError } from "@longcot/errors";

/** One answer's steps with how many of the continuations after each were right. */
export interface StepLabels {
  /** [steps]: share of right continuations after the step, its soft label; of the last step 1 or 0, the answer's own verdict. */
  readonly values: number[];
  /** [steps]: whether any was right, the hard label. */
  readonly labels: boolean[];
}

/**
 * Returns the labels of an answer of `right.length + 1` steps.
 *
 * @param right `right[step]`: right continuations after that step, of `continuations`; of every step but the last, after which nothing is left to say.
 * @param isRight the verdict on the answer itself.
 * @throws ConfigError unless `continuations` is a positive integer. @throws ShapeError on a count that is none of 0 … continuations.
 * Source: Math-Shepherd, arXiv 2312.08935 eq. 3 (hard estimation) and 4 (soft estimation).
 */
export function monteCarloLabels(
  right: readonly number[],
  { continuations, isRight }: { continuations: number; isRight: boolean },
): StepLabels {
  const who = "monteCarloLabels";
  if (!Number.isInteger(continuations) || continuations < 1)
    throw new ConfigError({ who, argument: "continuations", expected: "a positive integer", received: String(continuations) });
  for (const [step, count] of right.entries())
    if (!Number.isInteger(count) || count < 0 || count > continuations)
      throw new ShapeError({ who, argument: `right[${step}]`, expected: `a count of 0 to ${continuations}`, received: String(count) });
  const counts = [...right, isRight ? continuations : 0];
  return { values: counts.map((count) => count / continuations), labels: counts.map((count) => count > 0) };
}
