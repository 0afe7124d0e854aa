// Reward functions of users: what they are given, in the signatures of verl and TRL, and what their answers mean.
import { OUTCOMES, type Outcome } from "../outcome.ts";
import type { VerifyRequest, VerifyResult } from "../verify-request.ts";

/**
 * How a function is called.
 * - `verl`: `compute_score(data_source, solution_str, ground_truth, extra_info)` → a number, or an object with `score`.
 * - `trl`: `reward_func({prompts, completions, ground_truth, data_source, …})` (keywords in Python) → a list of numbers; lists of one, and
 *   completions are messages where the prompt is a conversation. Keys of `extra_info` are columns too.
 */
export const REWARD_SIGNATURES = ["verl", "trl"] as const;
export type RewardSignature = (typeof REWARD_SIGNATURES)[number];

/** A function that takes the place of the graders. It is trusted: it runs in processes of its own, but not in a box. */
export interface RewardFunctionOptions {
  /** A module: `.ts`, `.mts`, `.js`, `.mjs`, or `.py`. */
  readonly path: string;
  /** Name of the function; default: the module's default export, else the name that the signature gives it, in either spelling. */
  readonly name?: string;
  /** Default `verl`. */
  readonly signature?: RewardSignature;
  /** Wall time of one call in ms, default 30,000; beyond it the process is killed and the outcome is `timeout`. */
  readonly timeoutMs?: number;
  /** Interpreter of a `.py` module; default `python3` of PATH. */
  readonly python?: string;
}

export const DEFAULT_REWARD_TIMEOUT_MS = 30_000;

/** Names a function may have where none is given. */
export const DEFAULT_NAMES: Readonly<Record<RewardSignature, readonly string[]>> = {
  verl: ["default", "compute_score", "computeScore"],
  trl: ["default", "reward_func", "rewardFunction", "reward_function"],
};

/** What a call gets: positional for verl, one record of columns for TRL. */
export function callArguments(request: VerifyRequest, signature: RewardSignature): unknown[] {
  const { response, groundTruth, dataSource = "", prompt, extraInfo = {} } = request;
  if (signature === "verl") return [dataSource, response, groundTruth, extraInfo];
  const columns = Object.fromEntries(Object.entries(extraInfo).map(([key, value]) => [key, [value]]));
  return [
    {
      ...columns,
      prompts: [prompt ?? ""],
      completions: [prompt === undefined ? response : [{ role: "assistant", content: response }]],
      ground_truth: [groundTruth],
      data_source: [dataSource],
    },
  ];
}

/**
 * A function's answer as a verdict. A number, a boolean, or an object with `score` and, if it likes, `outcome` (or `acc`, as verl's dictionaries
 * have it) and `extracted` (or `pred`); in a list of one for TRL. Without an outcome a score of at least 1 is `correct`. TRL's None, which
 * means that the function has nothing to say, is `invalid_ground_truth`: it is not learnt from.
 * @throws TypeError for anything else.
 */
export function readAnswer(answer: unknown, signature: RewardSignature): Omit<VerifyResult, "id"> {
  let value = answer;
  if (signature === "trl") {
    if (!Array.isArray(answer) || answer.length !== 1) throw new TypeError(`expected a list of one reward, got ${show(answer)}`);
    value = answer[0];
    if (value === null || value === undefined)
      return { score: 0, outcome: "invalid_ground_truth", rule: "reward-function", detail: "no reward" };
  }
  const record = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : { score: value };
  const score = typeof record["score"] === "boolean" ? Number(record["score"]) : record["score"];
  if (typeof score !== "number" || !Number.isFinite(score))
    throw new TypeError(`expected a finite number or an object with one as score, got ${show(answer)}`);
  const extracted = record["extracted"] ?? record["pred"];
  return { score, outcome: outcomeOf(record, score), rule: "reward-function", ...(typeof extracted === "string" ? { extracted } : {}) };
}

function outcomeOf({ outcome, acc }: Record<string, unknown>, score: number): Outcome {
  if (outcome === undefined) return (acc === undefined ? score >= 1 : Number(acc) > 0) ? "correct" : "wrong";
  if (OUTCOMES.includes(outcome as Outcome)) return outcome as Outcome;
  throw new TypeError(`expected an outcome (${OUTCOMES.join(", ")}), got ${show(outcome)}`);
}

const show = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 200);
