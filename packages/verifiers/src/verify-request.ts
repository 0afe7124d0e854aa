// One item of work for graders, its verdict, and the check at the edge.
import { DataError } from "@longcot/errors";
import type { CodeGradeRule } from "./code/grade-code.ts";
import type { MathGradeRule } from "./math/grade-math.ts";
import type { Outcome } from "./outcome.ts";

/**
 * A response to grade. `groundTruth` for math: text, or several accepted texts; for code: JSON text of a problem. `truncated`: cut at its
 * length cap; absent means it ended by itself. The rest is for reward functions of one's own.
 */
export interface VerifyRequest {
  readonly id: string;
  readonly ability: "math" | "code";
  readonly response: string;
  readonly groundTruth: string | readonly string[];
  readonly truncated?: boolean;
  readonly dataSource?: string;
  readonly prompt?: readonly { readonly role: string; readonly content: string }[];
  readonly extraInfo?: Readonly<Record<string, unknown>>;
}

/**
 * The verdict on the request of the same `id`. `score`: 0 or 1, or what lies between where the reward is a fraction. `rule` says what
 * decided; `worker` when the grader itself failed. `passed` of `total` tests, for code; `detail`: a line for people.
 */
export interface VerifyResult {
  readonly id: string;
  readonly score: number;
  readonly outcome: Outcome;
  readonly extracted?: string;
  readonly rule: MathGradeRule | CodeGradeRule | "reward-function" | "worker";
  readonly passed?: number;
  readonly total?: number;
  readonly detail?: string;
}

/**
 * The requests with nothing but their known fields, if all can be graded. A ground truth of the wrong type is not the caller's mistake
 * but the data's: it becomes a blank one, which is graded `invalid_ground_truth`. A code problem given as an object becomes its JSON text.
 * @throws DataError for a request of the wrong form.
 */
export function checkRequests(requests: readonly VerifyRequest[], who: string): VerifyRequest[] {
  return requests.map((request, i) => {
    const { id, ability, response, groundTruth, truncated, dataSource, prompt, extraInfo } = request;
    for (const [name, value] of Object.entries({ id, response })) {
      if (typeof value !== "string")
        throw new DataError({
          who,
          argument: `requests[${i}].${name}`,
          expected: "a string",
          received: value === null ? "null" : typeof value,
        });
    }
    if (ability !== "math" && ability !== "code")
      throw new DataError({
        who,
        argument: `requests[${i}].ability`,
        expected: '"math" or "code"',
        received: JSON.stringify(ability) ?? "undefined",
      });
    return {
      id,
      ability,
      response,
      groundTruth: ability === "math" ? mathGroundTruth(groundTruth) : codeGroundTruth(groundTruth),
      ...(truncated === true ? { truncated } : {}),
      ...(dataSource === undefined ? {} : { dataSource }),
      ...(prompt === undefined ? {} : { prompt }),
      ...(extraInfo === undefined ? {} : { extraInfo }),
    };
  });
}

function mathGroundTruth(value: unknown): string | readonly string[] {
  return typeof value === "string" || (Array.isArray(value) && value.every((text) => typeof text === "string")) ? value : "";
}

function codeGroundTruth(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : "";
}
