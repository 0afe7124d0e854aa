// The outcome verifier for code: the program in a response against a problem's tests, in a sandbox.
import type { Outcome } from "../outcome.ts";
import { BoxError } from "./box.ts";
import { extractProgram } from "./extract-program.ts";
import { InvalidGroundTruth } from "./invalid-ground-truth.ts";
import type { IsolationLevel } from "./isolation.ts";
import { DEFAULT_CODE_POLICY, type CodePolicy } from "./policy.ts";
import { parseCodeProblem, type CodeProblem } from "./problem.ts";
import { codeReward } from "./reward.ts";
import type { TestResult } from "./run-result.ts";
import { runAssertionTests, runCallTest, runStdinTest, type Sandboxes, type Solution } from "./run-tests.ts";
import { checkIsolation, probeIsolation, Sandbox, type Isolation } from "./sandbox.ts";

/** What is graded. `truncated`: the response was cut at its length cap. */
export interface CodeGradeRequest {
  readonly response: string;
  readonly groundTruth: string;
  readonly truncated?: boolean;
}

/** What decided: the tests, or the reason why none ran. */
export type CodeGradeRule = "tests" | "ground-truth" | "truncated" | "thinking-not-closed" | "no-program-found" | "language" | "sandbox";

/** A verdict. `outcome` is that of the first test that failed; `passed` counts tests that ran and passed, `total` all of them. */
export interface CodeGrade {
  readonly score: number;
  readonly outcome: Exclude<Outcome, "unparseable">;
  /** The program. */
  readonly extracted?: string;
  readonly rule: CodeGradeRule;
  readonly passed?: number;
  readonly total?: number;
  /** A line for people: what failed. */
  readonly detail?: string;
}

/** How often one response is graded anew when a box dies under it. */
const MAX_ATTEMPTS = 2;

/** Grades responses one after the other. Its boxes open with the first program and end with {@link CodeGrader.close}. */
export class CodeGrader implements AsyncDisposable {
  readonly isolation: Isolation;
  readonly #policy: CodePolicy;
  readonly #boxes: Sandboxes;

  private constructor(isolation: Isolation, policy: CodePolicy) {
    this.isolation = isolation;
    this.#policy = policy;
    this.#boxes = { solutions: new Sandbox(isolation, policy.stackMib), judges: new Sandbox(isolation, policy.stackMib) };
  }

  /**
   * Finds out what isolation this machine offers and makes a grader.
   * @param required the weakest level at which programs may run; default `full`.
   * @throws ConfigError where the machine offers less.
   *
   * @example
   * await using grader = await CodeGrader.open();
   * const response = "```python\nprint(int(input()) * 2)\n```";
   * await grader.grade({ response, groundTruth: '{"inputs": ["2"], "outputs": ["4"]}' }); // { score: 1, outcome: "correct", ... }
   */
  static async open(policy: Partial<CodePolicy> = {}, required: IsolationLevel = "full"): Promise<CodeGrader> {
    const rules = { ...DEFAULT_CODE_POLICY, ...policy };
    const isolation = await probeIsolation({ stackMib: rules.stackMib });
    checkIsolation(isolation, required);
    return new CodeGrader(isolation, rules);
  }

  /** The verdict on one response. Whatever the program does, this returns; only one call at a time. */
  async grade(request: CodeGradeRequest): Promise<CodeGrade> {
    let problem: CodeProblem;
    try {
      problem = parseCodeProblem(request.groundTruth);
    } catch (error) {
      if (!(error instanceof InvalidGroundTruth)) throw error;
      return { score: 0, outcome: "invalid_ground_truth", rule: "ground-truth", detail: error.message };
    }
    if (request.truncated === true && this.#policy.truncated === "no-answer") return { score: 0, outcome: "no_answer", rule: "truncated" };
    const program = extractProgram(request.response, this.#policy);
    if (!program.found) return { score: 0, outcome: "no_answer", rule: program.reason };
    if (problem.kind === "tests" && program.language !== "python")
      return { score: 0, outcome: "no_answer", rule: "language", detail: `the tests are Python, the program is ${program.language}` };
    for (let attempt = 1; ; attempt++) {
      try {
        return { extracted: program.source, ...(await this.#runTests(problem, program)) };
      } catch (error) {
        if (!(error instanceof BoxError)) throw error;
        if (attempt >= MAX_ATTEMPTS)
          return { score: 0, outcome: "crash", extracted: program.source, rule: "sandbox", detail: error.message };
      }
    }
  }

  async #runTests(problem: CodeProblem, solution: Solution): Promise<CodeGrade> {
    const policy = this.#policy;
    const until = performance.now() + policy.totalTimeS * 1000;
    let total = problem.kind === "tests" ? 1 : problem.inputs.length;
    let passed = 0;
    let ran = 0;
    let firstFailure: (TestResult & { test: number }) | undefined;
    /** Notes a result; returns whether more are wanted. */
    const note = (result: TestResult): boolean => {
      ran++;
      if (result.outcome === "correct") passed++;
      else firstFailure ??= { ...result, test: ran };
      if (result.outcome === "invalid_ground_truth" || result.outcome === "compile_error") return false;
      if (firstFailure !== undefined && policy.reward === "all") return false;
      return performance.now() < until;
    };
    const { source, language } = solution;
    if (problem.kind === "tests") {
      await runAssertionTests(problem, { source, language }, this.#boxes, policy, (result, count) => {
        total = count;
        return note(result);
      });
    } else {
      for (let i = 0; i < total; i++) {
        const result =
          problem.kind === "stdin"
            ? await runStdinTest(i, problem, { source, language }, this.#boxes, policy)
            : await runCallTest(i, problem, { source, language }, this.#boxes, policy);
        if (!note(result)) break;
      }
    }
    if (firstFailure?.outcome === "invalid_ground_truth")
      return {
        score: 0,
        outcome: "invalid_ground_truth",
        rule: "ground-truth",
        ...(firstFailure.detail === undefined ? {} : { detail: firstFailure.detail }),
      };
    if (firstFailure === undefined && ran < total)
      firstFailure = { outcome: "timeout", detail: `only ${ran} of ${total} tests ran in time`, test: ran + 1 };
    return {
      score: codeReward(passed, total, policy.reward),
      outcome: firstFailure?.outcome ?? "correct",
      rule: "tests",
      passed,
      total,
      ...(firstFailure === undefined
        ? {}
        : { detail: `test ${firstFailure.test} of ${total}${firstFailure.detail === undefined ? "" : `: ${firstFailure.detail}`}` }),
    };
  }

  /** Ends the boxes and all that is in them. */
  async close(): Promise<void> {
    await Promise.all([this.#boxes.solutions.close(), this.#boxes.judges.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
