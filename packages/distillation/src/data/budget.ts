// How often a problem is asked: a few times first, and again the harder it turns out, until enough answers are good.
import { ConfigError } from "@longcot/errors";

export interface SampleBudget {
  /** Answers asked of every problem. */
  readonly first: number;
  /** Good answers wanted of a problem. */
  readonly wanted: number;
  /** Most answers asked of a problem. */
  readonly most: number;
}

/** Returns `budget`. @throws ConfigError where its numbers do not fit each other. */
export function checkBudget(budget: SampleBudget): SampleBudget {
  const refuse = (argument: string, expected: string, received: number): never => {
    throw new ConfigError({ who: "budget", argument, expected, received: String(received) });
  };
  if (budget.first < 1) refuse("first", "at least 1", budget.first);
  if (budget.wanted < 1 || budget.wanted > budget.most) refuse("wanted", `from 1 to most (${budget.most})`, budget.wanted);
  if (budget.most < budget.first) refuse("most", `at least first (${budget.first})`, budget.most);
  return budget;
}

/**
 * How many answers to ask for next: as many as would give what is missing at the share of good ones so far,
 * (good + 1) / (asked + 2), the mean of its posterior under a uniform prior; at most what the budget has left. 0: the problem is done.
 */
export function nextSamples({ asked, good }: { asked: number; good: number }, { first, wanted, most }: SampleBudget): number {
  if (asked === 0) return first;
  if (good >= wanted) return 0;
  const share = (good + 1) / (asked + 2);
  return Math.min(most - asked, Math.ceil((wanted - good) / share));
}
