// The outcomes a grader may report. The list is part of the command line's contract: additions only, never renames.

/** Every outcome, in the order reports print them. */
export const OUTCOMES = [
  "correct",
  "wrong",
  "no_answer",
  "unparseable",
  "timeout",
  "memory",
  "runtime_error",
  "compile_error",
  "invalid_ground_truth",
  "crash",
] as const;

/** One of {@link OUTCOMES}. Only `correct` earns 1; `invalid_ground_truth` and `crash` say nothing about the answer. */
export type Outcome = (typeof OUTCOMES)[number];
