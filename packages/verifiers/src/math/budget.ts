// The work that one verdict may cost: steps of evaluation and bits of exact arithmetic. Deterministic, unlike a clock.
import { MAX_EVALUATION_STEPS } from "./limits.ts";
import type { Rational } from "./rational.ts";
import type { Expression } from "./syntax/expression.ts";

/** Thrown, and caught by `gradeMath`, when a comparison has cost as much as it may. */
export class BudgetSpent extends Error {
  constructor() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super("the step budget is spent");
    Error.stackTraceLimit = limit;
  }
}

export class Budget {
  #steps = MAX_EVALUATION_STEPS;
  /** Exact values by expression, so that one that is asked for again costs nothing. */
  readonly exactValues = new Map<Expression, Rational | undefined>();

  /** @throws BudgetSpent when nothing is left. */
  spend(steps: number): void {
    this.#steps -= steps;
    if (this.#steps < 0) throw new BudgetSpent();
  }

  /** Pays for an operation on integers of so many bits: multiplication grows with about the power 1.5 of the length. */
  spendOnBits(bits: number): void {
    if (bits > 256) this.spend(Math.ceil((bits / 64) ** 1.5 / 16));
  }

  /** Whether `steps` more can be afforded without eating up what the rest of the comparison needs. */
  affords(steps: number): boolean {
    return steps <= this.#steps / 4;
  }
}
