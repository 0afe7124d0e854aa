// How entropy goes with advantage: the covariances that say where the next update will push entropy.
import { checkOffsets, checkTokenCount, meanOverTokens } from "./token-columns.ts";
import type { TokenMask } from "./token-columns.ts";

export interface AdvantageCovariance {
  /** Cov(log p, A): positive when likely tokens are rewarded, which lowers entropy. */
  readonly logProb: number;
  /** Cov(H, A) with the entropy of each token's distribution. */
  readonly entropy: number;
  /** Pearson's correlation of log p and A; 0 when one of them is constant. */
  readonly logProbCorrelation: number;
}

/**
 * Returns token covariances (÷ n) of a row's advantage with the log-probability and with the entropy of its tokens. To
 * first order a policy-gradient step changes entropy by −η · Cov(log p, A).
 *
 * Shapes: `logProbs` `entropies` [tokens] (old policy, nats), `advantages` [rows], `offsets` [rows + 1], `mask` [tokens]. Precision: float64.
 *
 * @throws ShapeError when lengths do not fit. @throws NumericError when no token counts or a counted one is not finite.
 * Source: arXiv 2505.22617 §3 (covariance of log-probability and advantage).
 */
export function advantageCovariance(
  columns: {
    readonly logProbs: ArrayLike<number>;
    readonly entropies: ArrayLike<number>;
    readonly advantages: ArrayLike<number>;
    readonly offsets: ArrayLike<number>;
  } & TokenMask,
): AdvantageCovariance {
  const who = "advantageCovariance";
  const { logProbs, entropies, advantages, offsets, mask } = columns;
  const tokens = logProbs.length;
  checkOffsets(who, offsets, advantages.length, tokens);
  checkTokenCount(who, "entropies", entropies, tokens);
  checkTokenCount(who, "mask", mask, tokens);
  const perToken = new Float64Array(tokens);
  for (let row = 0; row < advantages.length; row++) perToken.fill(advantages[row]!, offsets[row], offsets[row + 1]);
  const mean = (value: (token: number) => number) => meanOverTokens(who, tokens, mask, value);
  const advantage = mean((t) => perToken[t]!);
  const logProb = mean((t) => logProbs[t]!);
  const entropy = mean((t) => entropies[t]!);
  const covariance = mean((t) => (logProbs[t]! - logProb) * (perToken[t]! - advantage));
  const spread = Math.sqrt(mean((t) => (logProbs[t]! - logProb) ** 2) * mean((t) => (perToken[t]! - advantage) ** 2));
  return {
    logProb: covariance,
    entropy: mean((t) => (entropies[t]! - entropy) * (perToken[t]! - advantage)),
    logProbCorrelation: spread === 0 ? 0 : covariance / spread,
  };
}
