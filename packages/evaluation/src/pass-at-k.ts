// pass@k: the probability that at least one of k samples is correct, estimated without bias from n ≥ k samples.
import { ConfigError } from "@longcot/errors";

import { mean } from "./average-at-k.ts";
import { countOutcomes } from "./outcome-table.ts";
import type { OutcomeTable, ProblemCounts } from "./outcome-table.ts";

/**
 * Returns `1 − C(n−c, k) / C(n, k)` for `c` correct of `n` samples, or `undefined` when k > n: no unbiased estimate
 * exists then.
 *
 * Precision: a product of min(c, k) factors in (0, 1), so that nothing overflows; within 1e-12 up to n = 1024 at least.
 *
 * @throws ConfigError unless n and k are positive integers and c is an integer of 0 to n.
 * Source: arXiv 2107.03374 §2.1.
 * @example passAtK(4, 2, 2) // 0.8333, that is 5/6
 */
export function passAtK(n: number, c: number, k: number): number | undefined {
  const who = "passAtK";
  for (const [argument, value] of Object.entries({ n, k })) {
    if (!Number.isInteger(value) || value < 1)
      throw new ConfigError({
        who,
        argument,
        expected: "a positive integer",
        received: String(value),
      });
  }
  if (!Number.isInteger(c) || c < 0 || c > n)
    throw new ConfigError({
      who,
      argument: "c",
      expected: `an integer of 0 to ${n}`,
      received: String(c),
    });
  if (k > n) return undefined;
  if (k === 1) return c / n;
  if (n - c < k) return 1;
  // C(n−c, k) / C(n, k) is symmetric in c and k: the chance that k draws miss c marked items.
  const [few, many] = c < k ? [c, k] : [k, c];
  let miss = 1;
  for (let i = 0; i < few; i++) miss *= (n - many - i) / (n - i);
  return 1 - miss;
}

/**
 * Returns the mean of {@link passAtK} over problems.
 *
 * @throws ConfigError when some problem has fewer than k samples. @throws DataError, ShapeError on a table that is none.
 */
export function meanPassAtK(table: OutcomeTable, k: number): number {
  return mean(problemPassAtK("meanPassAtK", countOutcomes("meanPassAtK", table), k));
}

/** Returns pass@k of each problem. @throws ConfigError when some problem has fewer than k samples. */
export function problemPassAtK(who: string, counts: ProblemCounts, k: number): Float64Array {
  return Float64Array.from(counts.correct, (correct, problem) => {
    const value = passAtK(counts.samples[problem]!, correct, k);
    if (value === undefined) {
      throw new ConfigError({
        who,
        argument: "k",
        expected: `at most the ${counts.samples[problem]} samples of problem ${problem}`,
        received: String(k),
      });
    }
    return value;
  });
}
