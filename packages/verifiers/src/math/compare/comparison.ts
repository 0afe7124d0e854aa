// What the comparators share: policy, budget, and the way back to the comparison of any two expressions.
import type { Budget } from "../budget.ts";
import type { MathPolicy } from "../policy.ts";
import type { Expression } from "../syntax/expression.ts";

/** What decided that two answers are equal, or by what they were found different. */
export type ComparisonRule =
  | "spelling"
  | "text"
  | "choice"
  | "rational"
  | "decimal"
  | "numeric"
  | "structure"
  | "unit"
  | "percent"
  | "tuple"
  | "set"
  | "interval"
  | "matrix"
  | "equation"
  | "inequality";

export interface Comparison {
  readonly policy: MathPolicy;
  readonly budget: Budget;
  /** The last rule that was applied at the top. */
  rule: ComparisonRule;
  /** Whether two expressions of any kind are equal. */
  equal(a: Expression, b: Expression): boolean;
}

/** Deepest nesting of collections that is compared: answers have two or three levels. */
export const MAX_COMPARISON_DEPTH = 40;
