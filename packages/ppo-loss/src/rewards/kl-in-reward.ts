// The KL penalty inside the reward: token rewards minus β times an estimate of KL(π_old ‖ π_ref).
import { klEstimate, klFormula } from "../kl-estimators.ts";
import type { KlEstimator } from "../kl-estimators.ts";
import { checkNumber } from "../option-checks.ts";
import { checkFiniteTokens, checkTokenLayout } from "../token-layout.ts";
import type { TokenLayout } from "../token-layout.ts";

export interface KlInReward {
  /** [tokens], rewards with the penalty; unchanged where there is no response token. */
  readonly tokenRewards: Float64Array;
  /** Mean over rows of each row's mean estimate over its response tokens, nats: what an adaptive controller observes. 0 without tokens. */
  readonly kl: number;
}

/**
 * Returns `r_t − β · k(log π_old − log π_ref)` per token, k one of the {@link KlEstimator}s (the `+` ones have the same values).
 *
 * Shapes: token columns and the result [tokens]. Mask: tokens outside it keep their reward. Precision: float64.
 *
 * @throws ShapeError when lengths differ. @throws NumericError on a response token's value that is not finite.
 * @throws ConfigError on an unknown estimator or a coefficient that is negative.
 * Source: arXiv 2203.02155; verl 0.9.1 trainer/ppo/core_algos.py, `compute_rewards`, and trainer/ppo/ray_trainer.py, `apply_kl_penalty`.
 *
 * @example klInReward({ tokenRewards: [0, 1], oldLogProbs: [-1, -2], referenceLogProbs: [-2, -2], coefficient: 0.1, offsets: [0, 2] }).tokenRewards // [-0.1, 1]
 */
export function klInReward(
  options: {
    readonly tokenRewards: ArrayLike<number>;
    /** [tokens], nats, under the policy that made the rollout. */
    readonly oldLogProbs: ArrayLike<number>;
    /** [tokens], nats, under the reference policy. */
    readonly referenceLogProbs: ArrayLike<number>;
    /** β */
    readonly coefficient: number;
    /** Default `k1`. */
    readonly estimator?: KlEstimator | undefined;
  } & TokenLayout,
): KlInReward {
  const who = "klInReward";
  const { tokenRewards, oldLogProbs, referenceLogProbs, coefficient, estimator = "k1" } = options;
  const rows = checkTokenLayout(who, options);
  checkFiniteTokens(who, "tokenRewards", tokenRewards, rows);
  checkFiniteTokens(who, "oldLogProbs", oldLogProbs, rows);
  checkFiniteTokens(who, "referenceLogProbs", referenceLogProbs, rows);
  checkNumber(who, "coefficient", coefficient, { least: 0 });
  klFormula(who, estimator);

  const penalised = Float64Array.from(tokenRewards);
  let [kl, rowsWithTokens] = [0, 0];
  for (let row = 0; row < rows.rowCount; row++) {
    const { from, to } = rows.span(row);
    if (rows.lengths[row] === 0) continue;
    rowsWithTokens++;
    for (let token = from; token < to; token++) {
      if (!rows.isResponse(token)) continue;
      const estimate = klEstimate(oldLogProbs[token]! - referenceLogProbs[token]!, estimator);
      penalised[token]! -= coefficient * estimate;
      kl += estimate / rows.lengths[row]!;
    }
  }
  return { tokenRewards: penalised, kl: rowsWithTokens === 0 ? 0 : kl / rowsWithTokens };
}
