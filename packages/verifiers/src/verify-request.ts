// One item of work for graders, its verdict, and the check at the edge.
import { ConfigError, DataError } from "@longcot/errors";
import { gradeMath, type MathGradeRule } from "./math/grade-math.ts";
import type { MathPolicy } from "./math/policy.ts";
import type { Outcome } from "./outcome.ts";

/** A response to grade. `truncated`: cut at its length cap; absent means it ended by itself. */
export interface VerifyRequest {
  readonly id: string;
  readonly ability: "math" | "code";
  readonly response: string;
  readonly groundTruth: string | readonly string[];
  readonly truncated?: boolean;
}

/** The verdict on the request of the same `id`. `rule` says what decided; `worker` when the grader itself failed. */
export interface VerifyResult {
  readonly id: string;
  readonly score: 0 | 1;
  readonly outcome: Outcome;
  readonly extracted?: string;
  readonly rule: MathGradeRule | "worker";
}

/**
 * The requests with nothing but their known fields, if all can be graded. A ground truth that is no text is not the caller's mistake
 * but the data's: it becomes a blank one, which is graded `invalid_ground_truth`.
 * @throws DataError for a request of the wrong form, ConfigError for ability `code`, which has no grader yet.
 */
export function checkRequests(requests: readonly VerifyRequest[], who: string): VerifyRequest[] {
  return requests.map((request, i) => {
    const { id, ability, response, groundTruth, truncated } = request;
    for (const [name, value] of Object.entries({ id, response })) {
      if (typeof value !== "string")
        throw new DataError({
          who,
          argument: `requests[${i}].${name}`,
          expected: "a string",
          received: value === null ? "null" : typeof value,
        });
    }
    if (ability === "code") {
      throw new ConfigError({
        who,
        argument: `requests[${i}].ability`,
        expected: '"math"',
        received: '"code", which is not supported yet',
        fix: "Leave code problems out of the data",
      });
    }
    if (ability !== "math")
      throw new DataError({
        who,
        argument: `requests[${i}].ability`,
        expected: '"math" or "code"',
        received: JSON.stringify(ability) ?? "undefined",
      });
    const readable =
      typeof groundTruth === "string" || (Array.isArray(groundTruth) && groundTruth.every((text) => typeof text === "string"));
    return { id, ability, response, groundTruth: readable ? groundTruth : "", ...(truncated === true ? { truncated } : {}) };
  });
}

/** Grades one checked request in this process. */
export function gradeRequest(request: VerifyRequest, policy: Partial<MathPolicy>): VerifyResult {
  const truncated = request.truncated === undefined ? {} : { truncated: request.truncated };
  return {
    id: request.id,
    ...gradeMath({ response: request.response, groundTruth: request.groundTruth, ...truncated }, policy),
  };
}
