// How one run ended, as the outcome of a test.
import type { Outcome } from "../outcome.ts";
import type { BoxResult, Language } from "./box.ts";

/** What became of one test. `detail`: a line for people. */
export interface TestResult {
  readonly outcome: Extract<
    Outcome,
    "correct" | "wrong" | "timeout" | "memory" | "runtime_error" | "compile_error" | "invalid_ground_truth"
  >;
  readonly detail?: string;
}

/** An exception as box/longcot_program.py describes it. */
export interface Fault {
  readonly kind?: string;
  readonly name?: string;
  readonly message?: string;
  readonly line?: number | null;
}

/** The exception of a fault: `ValueError: message (line 3)`. */
export function faultResult(fault: Fault): TestResult {
  const outcome = fault.kind === "compile" ? "compile_error" : fault.kind === "memory" ? "memory" : "runtime_error";
  const line = typeof fault.line === "number" ? ` (line ${fault.line})` : "";
  return { outcome, detail: `${fault.name ?? "error"}: ${fault.message ?? ""}${line}` };
}

/** Why a run did not end well by itself; undefined: it did. */
export function failedRun(result: BoxResult, language: Language): TestResult | undefined {
  if (result.killedFor === "memory") return { outcome: "memory" };
  if (result.killedFor === "cpu" || result.killedFor === "wall") return { outcome: "timeout" };
  if (result.killedFor === "output") return { outcome: "runtime_error", detail: "printed more than a test may" };
  const fault = firstReply(result)?.error;
  if (fault !== undefined) return faultResult(fault);
  if (result.signal !== null) {
    const isOutOfMemory = language !== "python" && /heap out of memory|Allocation failed/.test(result.stderr);
    return isOutOfMemory ? { outcome: "memory" } : { outcome: "runtime_error", detail: `ended by signal ${result.signal}` };
  }
  if (result.exitCode === 0 || result.exitCode === null) return undefined;
  const isSyntax = language !== "python" && /^SyntaxError/m.test(result.stderr) && result.stdout.length === 0;
  return { outcome: isSyntax ? "compile_error" : "runtime_error", detail: lastLine(result.stderr) ?? `exit status ${result.exitCode}` };
}

/** A reply of a function's side. */
export interface Reply {
  readonly value?: string;
  readonly handle?: number;
  readonly error?: Fault;
}

/** The first line that came through the channel; undefined where there is none or it is no object. */
export function firstReply(result: BoxResult): Reply | undefined {
  const end = result.channel.indexOf(10);
  return end < 0 ? undefined : parseReply(result.channel.toString("utf8", 0, end));
}

/** A line as a reply; a solution may have written anything. */
export function parseReply(line: string): Reply | undefined {
  try {
    const reply = JSON.parse(line) as Reply | null;
    return typeof reply === "object" && reply !== null ? reply : undefined;
  } catch {
    return undefined;
  }
}

const lastLine = (text: string): string | undefined => text.trim().split("\n").at(-1)?.slice(0, 300) || undefined;
