// Paired comparison of two models on the same problems.
import { DataError } from "@longcot/errors";

import { mean, problemAverages } from "./average-at-k.ts";
import { bootstrapInterval } from "./bootstrap.ts";
import type { BootstrapOptions, Interval } from "./bootstrap.ts";
import { countOutcomes } from "./outcome-table.ts";
import type { OutcomeTable } from "./outcome-table.ts";

export interface Comparison {
  /** avg@k of the candidate minus that of the baseline. */
  readonly difference: number;
  /** Bootstrap interval of the difference over problems, pairs kept together. */
  readonly interval: Interval;
  /** Whether the interval excludes 0. */
  readonly excludesZero: boolean;
  /** Problems on which the candidate's fraction of correct samples is higher, lower, equal. */
  readonly better: number;
  readonly worse: number;
  readonly equal: number;
}

/**
 * Returns by how much `candidate` is better than `baseline`, problem by problem. Row i of both tables must be the same
 * problem; numbers of samples may differ. Pairing takes the problems' difficulty out of the interval, which makes it
 * much narrower than the two runs' own intervals suggest.
 *
 * @throws DataError when the tables differ in their problems: in number, or in `ids` where either has them.
 * @throws ConfigError on bootstrap options that are none.
 */
export function compareRuns(options: { readonly baseline: OutcomeTable; readonly candidate: OutcomeTable } & BootstrapOptions): Comparison {
  const who = "compareRuns";
  const { baseline, candidate } = options;
  const before = problemAverages(countOutcomes(who, baseline));
  const after = problemAverages(countOutcomes(who, candidate));
  if (after.length !== before.length) {
    throw new DataError({
      who,
      argument: "candidate",
      expected: `about the ${before.length} problems of the baseline`,
      received: `${after.length} problems`,
    });
  }
  checkSameIds(who, baseline.ids, candidate.ids);

  const differences = after.map((value, problem) => value - before[problem]!);
  const interval = bootstrapInterval(differences, options);
  return {
    difference: mean(differences),
    interval,
    excludesZero: interval.low > 0 || interval.high < 0,
    better: differences.filter((difference) => difference > 0).length,
    worse: differences.filter((difference) => difference < 0).length,
    equal: differences.filter((difference) => difference === 0).length,
  };
}

function checkSameIds(who: string, baseline: OutcomeTable["ids"], candidate: OutcomeTable["ids"]): void {
  if (baseline === undefined && candidate === undefined) return;
  if (baseline === undefined || candidate === undefined) {
    throw new DataError({
      who,
      argument: "ids",
      expected: "given for both tables or for none",
      received: "one table with ids",
    });
  }
  for (let problem = 0; problem < baseline.length; problem++) {
    if (baseline[problem] !== candidate[problem]) {
      throw new DataError({
        who,
        argument: `ids[${problem}] of the candidate`,
        expected: `"${baseline[problem]}" as in the baseline`,
        received: `"${candidate[problem]}"`,
        fix: "Put both tables in the same order",
      });
    }
  }
}
