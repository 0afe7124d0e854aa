// Groups with a verdict that says nothing about its response: a grader that broke must not look like a wrong answer.
import { LongcotError } from "@longcot/errors";
import { isJudged } from "@longcot/verifiers";
import type { Answers } from "./rollout.ts";

/**
 * Sets the `advantages` [rows] of such groups to 0, in place, so that nothing is learnt from them; returns what to tell of them, if there
 * are any.
 * @throws LongcotError where no response of the step was judged: then it is the verifier or the data that is broken.
 */
export function clearUnjudgedGroups(
  advantages: { fill(value: number, from: number, to: number): unknown },
  {
    verdicts,
    groupSize,
  }: Pick<Answers, "groupSize"> & { readonly verdicts: readonly Pick<Answers["verdicts"][number], "outcome" | "detail">[] },
): string | undefined {
  const first = verdicts.find((verdict) => !isJudged(verdict));
  if (first === undefined) return undefined;
  const reason = `${first.outcome}${first.detail === undefined ? "" : `: ${first.detail}`}`;
  if (!verdicts.some(isJudged))
    throw new LongcotError({ who: "training", expected: "a verdict on at least one response of the step", received: reason });
  const groups = new Set(verdicts.flatMap((verdict, row) => (isJudged(verdict) ? [] : [Math.floor(row / groupSize)])));
  for (const group of groups) advantages.fill(0, group * groupSize, (group + 1) * groupSize);
  return `${groups.size} of ${verdicts.length / groupSize} groups are not learnt from, since a verdict in them says nothing about its response (${reason})`;
}
