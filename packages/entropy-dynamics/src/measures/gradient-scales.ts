// How strongly the entropy bonus pulls against the policy gradient: the diagnostics of the Skywork-OR1 code.
import { NumericError } from "@longcot/errors";

import { checkOffsets, checkTokenCount, meanOverTokens } from "./token-columns.ts";
import type { TokenMask } from "./token-columns.ts";

/** Under Skywork's names, without their `actor/` prefix. */
export interface GradientScales {
  /** √mean(A²). */
  readonly pg_grad_scale: number;
  /** √mean(log p²). */
  readonly entropy_grad_scale: number;
  /** α · `entropy_grad_scale`. */
  readonly entropy_grad_scale_with_coeff: number;
  /** `pg_grad_scale` / (`pg_grad_scale` + `entropy_grad_scale_with_coeff`); 0 when both are 0. */
  readonly pg_grad_ratio: number;
  /** `entropy_grad_scale_with_coeff` / the same sum; 0 when both are 0. */
  readonly entropy_grad_ratio: number;
}

/**
 * Returns root mean squares over the counted tokens of the factors that scale each token's gradient: its advantage in
 * the policy term, its log-probability in the entropy term.
 *
 * Shapes: `logProbs` [tokens] (old policy, nats), `advantages` [rows], `offsets` [rows + 1], `mask` [tokens]. Precision: float64 sums.
 *
 * @throws ShapeError when lengths do not fit. @throws NumericError when no token counts or a counted one is not finite.
 * Source: SkyworkAI/Skywork-OR1 verl/workers/actor/dp_actor.py get_entropy_metric.
 */
export function gradientScales(
  columns: {
    readonly logProbs: ArrayLike<number>;
    readonly advantages: ArrayLike<number>;
    readonly offsets: ArrayLike<number>;
    /** α of the step. */
    readonly entropyCoefficient: number;
  } & TokenMask,
): GradientScales {
  const who = "gradientScales";
  const { logProbs, advantages, offsets, entropyCoefficient, mask } = columns;
  checkOffsets(who, offsets, advantages.length, logProbs.length);
  checkTokenCount(who, "mask", mask, logProbs.length);
  if (!Number.isFinite(entropyCoefficient)) {
    throw new NumericError({
      who,
      argument: "entropyCoefficient",
      expected: "a finite number",
      received: String(entropyCoefficient),
    });
  }
  const perToken = new Float64Array(logProbs.length);
  for (let row = 0; row < advantages.length; row++) perToken.fill(advantages[row]!, offsets[row], offsets[row + 1]);

  const policy = Math.sqrt(meanOverTokens(who, logProbs.length, mask, (token) => perToken[token]! ** 2));
  const entropy = Math.sqrt(meanOverTokens(who, logProbs.length, mask, (token) => logProbs[token]! ** 2));
  const weighted = entropy * entropyCoefficient;
  const total = policy + weighted;
  return {
    pg_grad_scale: policy,
    entropy_grad_scale: entropy,
    entropy_grad_scale_with_coeff: weighted,
    pg_grad_ratio: total === 0 ? 0 : policy / total,
    entropy_grad_ratio: total === 0 ? 0 : weighted / total,
  };
}
