// Conventions and limits of the code grader, each a named option.
import type { BoxLimits } from "./box.ts";

/** How a problem's passed tests become a reward; the denominator is always the number of all its tests. */
export type CodeReward =
  /** 1 if every test passes, else 0; the first failure ends the run. */
  | "all"
  /** passed / total. */
  | "fraction"
  /** (passed / total) to this power; the released Skywork-OR1 code has 4 as an option. */
  | { readonly power: number };

/** Conventions of the code grader. */
export interface CodePolicy {
  readonly reward: CodeReward;
  /**
   * Largest difference of two numbers of which at least one is written as a decimal: absolute, and relative to the expected one where that
   * is a decimal itself. 0: decimals are compared exactly, as LiveCodeBench does (0.50 is 0.5, 0.30000000000000004 is not 0.3).
   */
  readonly floatTolerance: number;
  /**
   * `lines`: printed lines are compared one by one, blanks around and between their words aside, as LiveCodeBench does; `tokens`: words
   * alone, wherever lines end.
   */
  readonly layout: "lines" | "tokens";
  /** `required`: a response without `</think>` has no answer; `closed-if-opened`: one whose `<think>` never closes has none. */
  readonly thinking: "closed-if-opened" | "required";
  /** What becomes of a response cut at its length cap. */
  readonly truncated: "no-answer" | "grade";
  /** CPU time of one test in seconds; sleeping counts. LiveCodeBench allows 6. */
  readonly cpuTimeS: number;
  /** Wall time of one test in seconds, above `cpuTimeS`, since a loaded machine must not make right answers late. */
  readonly wallTimeS: number;
  /** Wall time of all tests of one response, seconds; what has not run by then counts as failed. */
  readonly totalTimeS: number;
  /** Memory of one test, all its processes together. */
  readonly memoryMib: number;
  /** Stack of the main thread: deep recursion through the C stack needs hundreds of MiB. */
  readonly stackMib: number;
  /** Standard output of one test. */
  readonly outputMib: number;
  /** Processes and threads of one test. */
  readonly processes: number;
}

/** LiveCodeBench's limits where it has any; decimals within 1e-9; all tests or nothing. */
export const DEFAULT_CODE_POLICY: CodePolicy = {
  reward: "all",
  floatTolerance: 1e-9,
  layout: "lines",
  thinking: "closed-if-opened",
  truncated: "no-answer",
  cpuTimeS: 6,
  wallTimeS: 18,
  totalTimeS: 300,
  memoryMib: 1024,
  stackMib: 512,
  outputMib: 16,
  processes: 64,
};

/** Files that one test may have open. */
const OPEN_FILES = 128;
/** What a test may write to disk, in all and into one file, MiB. */
const SCRATCH_MIB = 64;

/** The limits of one test under `policy`. */
export function boxLimits(policy: CodePolicy): BoxLimits {
  return {
    cpu_s: policy.cpuTimeS,
    wall_s: policy.wallTimeS,
    memory_mib: policy.memoryMib,
    stack_mib: policy.stackMib,
    output_mib: policy.outputMib,
    scratch_mib: SCRATCH_MIB,
    file_mib: SCRATCH_MIB,
    files: OPEN_FILES,
    processes: policy.processes,
    count_sleep: true,
  };
}
