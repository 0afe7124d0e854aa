// Grades requests one after the other in the process that calls it; the pool's processes run one each.
import { CodeGrader } from "./code/grade-code.ts";
import type { IsolationLevel } from "./code/isolation.ts";
import type { CodePolicy } from "./code/policy.ts";
import { gradeMath } from "./math/grade-math.ts";
import type { MathPolicy } from "./math/policy.ts";
import type { RewardFunctionOptions } from "./reward-function/reward-function.ts";
import type { VerifyRequest, VerifyResult } from "./verify-request.ts";

/** Conventions of the graders; what is absent is as in `DEFAULT_MATH_POLICY` and `DEFAULT_CODE_POLICY`. */
export interface GraderOptions {
  readonly math?: Partial<MathPolicy>;
  readonly code?: Partial<CodePolicy>;
  /** The weakest isolation at which programs may run; default `full`. */
  readonly isolation?: IsolationLevel;
  /** A function of one's own, which grades everything instead. Only a pool runs it, in processes that it can kill. */
  readonly rewardFunction?: RewardFunctionOptions;
}

export class Grader {
  readonly #options: Omit<GraderOptions, "rewardFunction">;
  #codeGrader: Promise<CodeGrader> | undefined;

  constructor(options: Omit<GraderOptions, "rewardFunction"> = {}) {
    this.#options = options;
  }

  /** The verdict on one checked request. @throws ConfigError where programs may not run on this machine. */
  async grade({ id, ability, response, groundTruth, truncated }: VerifyRequest): Promise<VerifyResult> {
    const request = { response, ...(truncated === undefined ? {} : { truncated }) };
    if (ability === "math") return { id, ...gradeMath({ ...request, groundTruth }, this.#options.math) };
    this.#codeGrader ??= CodeGrader.open(this.#options.code, this.#options.isolation);
    return { id, ...(await (await this.#codeGrader).grade({ ...request, groundTruth: groundTruth as string })) };
  }

  async close(): Promise<void> {
    await (await this.#codeGrader?.catch(() => undefined))?.close();
  }
}
