// One arithmetic problem with its worked solution, as a function of (seed, operation, split, level, index).
import { ConfigError } from "@longcot/errors";
import { BOX_CLOSE, BOX_OPEN, THINK_CLOSE, THINK_OPEN } from "./alphabet.ts";
import { LEVELS, OPERATIONS, type Level, type OperationName } from "./operations.ts";
import { operandsAt, type Split } from "./split-pairs.ts";

/** What names a problem: equal keys are equal problems, on every machine. */
export interface ProblemKey {
  readonly seed: number;
  readonly split: Split;
  readonly level: Level;
  /** From 0; different indexes of one (seed, split, level) are different problems. */
  readonly index: number;
  /** Default `addition`. */
  readonly operation?: OperationName;
}

export interface ArithmeticProblem {
  readonly operation: OperationName;
  readonly level: Level;
  /** The user's message, such as `47+85`. */
  readonly prompt: string;
  /** The accepted answer, such as `132`. */
  readonly answer: string;
  /** What a perfect completion is after a prompt that opened `<think>`: `7+5+0=12;4+8+1=13;</think>\boxed{132}`. */
  readonly completion: string;
  /** The assistant's message: `<think>` and the completion. */
  readonly solution: string;
}

/** @throws ConfigError for a key out of range, and for an index past the last problem of its level and split. */
export function makeProblem(key: ProblemKey): ArithmeticProblem {
  const { seed, split, level, index, operation = "addition" } = key;
  if (!Number.isInteger(seed))
    throw new ConfigError({
      who: "makeProblem",
      argument: "seed",
      expected: "an integer",
      received: String(seed),
    });
  if (!LEVELS.includes(level))
    throw new ConfigError({
      who: "makeProblem",
      argument: "level",
      expected: LEVELS.join(", "),
      received: String(level),
    });
  if (!Number.isInteger(index) || index < 0)
    throw new ConfigError({
      who: "makeProblem",
      argument: "index",
      expected: "an integer from 0",
      received: String(index),
    });
  const { ask, work, answer } = OPERATIONS[operation];
  const [a, b] = operandsAt(seed, operation, split, level, index);
  const completion = `${work(a, b)}${THINK_CLOSE}${BOX_OPEN}${answer(a, b)}${BOX_CLOSE}`;
  return {
    operation,
    level,
    prompt: ask(a, b),
    answer: String(answer(a, b)),
    completion,
    solution: THINK_OPEN + completion,
  };
}
