// One test of each shape: the program runs in one sandbox, and what it is compared with never enters that.
import type { BoxLimits, BoxResult, Language } from "./box.ts";
import { encodeArguments, plainText, sameValue } from "./compare-value.ts";
import { sameOutput } from "./compare-output.ts";
import { boxLimits, type CodePolicy } from "./policy.ts";
import type { CodeProblem } from "./problem.ts";
import { failedRun, faultResult, firstReply, parseReply, type Fault, type TestResult } from "./run-result.ts";
import type { Sandbox } from "./sandbox.ts";

/** A program to be tested. */
export interface Solution {
  readonly source: string;
  readonly language: Language;
}

/** `solutions` runs what a model wrote, `judges` what the data set brings; they share no memory. */
export interface Sandboxes {
  readonly solutions: Sandbox;
  readonly judges: Sandbox;
}

type Problem<Kind extends CodeProblem["kind"]> = Extract<CodeProblem, { kind: Kind }>;

/** Test `i` of a program that reads standard input. */
export async function runStdinTest(
  i: number,
  problem: Problem<"stdin">,
  solution: Solution,
  boxes: Sandboxes,
  policy: CodePolicy,
): Promise<TestResult> {
  const [input, expected] = [problem.inputs[i]!, problem.outputs[i]!];
  const result = await boxes.solutions.run({ mode: "stdin", ...solution, stdin: input, limits: boxLimits(policy) });
  const failure = failedRun(result, solution.language);
  if (failure !== undefined) return failure;
  const output = result.stdout.toString();
  if (problem.checker !== undefined) return askChecker(problem.checker, { input, output, expected }, boxes, policy);
  return sameOutput(expected, output, policy) ? { outcome: "correct" } : { outcome: "wrong" };
}

/** Test `i` of a function: one call in a process of its own. */
export async function runCallTest(
  i: number,
  problem: Problem<"calls">,
  solution: Solution,
  boxes: Sandboxes,
  policy: CodePolicy,
): Promise<TestResult> {
  const { functionName, inputs, outputs, checker } = problem;
  const result = await boxes.solutions.run({
    mode: "calls",
    prefix: "",
    ...solution,
    entries: exportedNames(functionName),
    feed: `${JSON.stringify({ method: functionName, arguments: encodeArguments(inputs[i]!) })}\n`,
    limits: boxLimits(policy),
  });
  const reply = firstReply(result);
  if (typeof reply?.value !== "string") {
    if (typeof reply?.handle === "number") return { outcome: "wrong", detail: "returned something that is no data" };
    return failedRun(result, solution.language) ?? { outcome: "runtime_error", detail: "ended without returning" };
  }
  if (checker !== undefined) {
    const returned = readable(reply.value);
    if (returned === undefined) return { outcome: "wrong", detail: "returned something that is no data" };
    const plainJson = (value: unknown): string =>
      JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? Number(part) : part));
    return askChecker(checker, { input: plainJson(inputs[i]), output: returned, expected: plainJson(outputs[i]!.at(-1)) }, boxes, policy);
  }
  return sameValue(outputs[i]!, reply.value, policy.floatTolerance) ? { outcome: "correct" } : { outcome: "wrong" };
}

function readable(encoded: string): string | undefined {
  try {
    return plainText(encoded);
  } catch {
    return undefined;
  }
}

/** JavaScript that yields [name, get] of what a module's caller may want; the names of a module are its own. */
function exportedNames(functionName: string): string {
  const entry = (name: string): string => `[${JSON.stringify(name)}, () => typeof ${name} === "undefined" ? undefined : ${name}]`;
  return `[${[functionName, "Solution"].map(entry).join(", ")}]`;
}

async function askChecker(checker: string, question: object, { judges }: Sandboxes, policy: CodePolicy): Promise<TestResult> {
  const feed = `${JSON.stringify(question)}\n`;
  const result = await judges.run({ mode: "checker", source: checker, feed, language: "python", limits: judgeLimits(policy) });
  return verdictOf(firstReply(result) as Verdict | undefined);
}

/** A judge takes what time and memory it needs: it runs what the data set's authors wrote. */
function judgeLimits(policy: CodePolicy): BoxLimits {
  return { ...boxLimits(policy), cpu_s: policy.totalTimeS, wall_s: policy.totalTimeS, count_sleep: false };
}

interface Verdict {
  readonly verdict?: "pass" | "fail" | "error" | "invalid";
  readonly detail?: Fault;
}

function verdictOf(verdict: Verdict | undefined): TestResult {
  switch (verdict?.verdict) {
    case "pass":
      return { outcome: "correct" };
    case "fail":
      return { outcome: "wrong" };
    case "error":
      return faultResult(verdict.detail ?? {});
    case "invalid":
      return { outcome: "invalid_ground_truth", detail: faultResult(verdict.detail ?? {}).detail! };
    case undefined:
      return { outcome: "invalid_ground_truth", detail: "the test ended without a verdict" };
  }
}

/**
 * Tests given as Python assertions. They run in a judge's box; whatever they call is asked of the solution's box, in a fresh process
 * for each assertion. `next` hears each result and says whether to go on.
 */
export async function runAssertionTests(
  problem: Problem<"tests">,
  solution: Solution,
  { solutions, judges }: Sandboxes,
  policy: CodePolicy,
  next: (result: TestResult, total: number) => boolean,
): Promise<void> {
  const judge = await judges.box();
  const lines = new Lines();
  const { prefix, tests, entry } = problem;
  const judging = judge.run(
    { mode: "tests", prefix, tests, ...(entry === undefined ? {} : { entry }), language: "python", limits: judgeLimits(policy) },
    (line) => lines.push(line),
  );
  judging.then(
    () => lines.end(),
    () => lines.end(),
  );
  try {
    judge.say(JSON.stringify({ count: true }));
    const count = parseReply((await lines.next()) ?? "") as { count?: number } & Verdict;
    if (typeof count?.count !== "number" || count.count === 0) {
      next(
        count?.count === 0
          ? { outcome: "invalid_ground_truth", detail: "no assertion" }
          : { ...verdictOf(count), outcome: "invalid_ground_truth" },
        1,
      );
      return;
    }
    for (let k = 0; k < count.count; k++) {
      judge.say(JSON.stringify({ run: k }));
      if (!next(await runAssertion(), count.count)) return;
    }
  } finally {
    judge.stop();
    await judging.catch(() => {});
  }

  /** Relays between the test that the judge runs and a fresh process of the solution until there is a verdict. */
  async function runAssertion(): Promise<TestResult> {
    const box = await solutions.box();
    const replies = new Lines();
    const running: Promise<BoxResult | undefined> = box
      .run({ mode: "calls", prefix, ...solution, entries: "[]", limits: boxLimits(policy) }, (line) => replies.push(line))
      .finally(() => replies.end());
    running.catch(() => {});
    let ended: TestResult | undefined;
    try {
      for (;;) {
        const line = await lines.next();
        if (line === undefined) return { outcome: "timeout", detail: "the test ended without a verdict" };
        const message = parseReply(line) as ({ call?: object } & Verdict) | undefined;
        if (message?.call === undefined) return ended ?? verdictOf(message);
        box.say(JSON.stringify(message.call));
        const reply = await replies.next();
        if (reply === undefined)
          ended ??= failedRun((await running)!, solution.language) ?? { outcome: "runtime_error", detail: "ended in a call" };
        judge.say(reply ?? JSON.stringify({ error: { kind: "gone" } }));
      }
    } finally {
      box.stop();
      await running;
    }
  }
}

/** Lines as they come, and undefined once there are no more. */
class Lines {
  readonly #waiting: string[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  push(line: string): void {
    this.#waiting.push(line);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async next(): Promise<string | undefined> {
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#waiting.shift();
  }
}
