// REINFORCE++: discounted returns, whitened over the whole batch instead of per group.
import { checkNumber } from "../option-checks.ts";
import { checkTokenRewards } from "./token-estimate.ts";
import type { TokenAdvantages, TokenRewards } from "./token-estimate.ts";
import { whitenOver } from "./whitening.ts";

export interface ReinforcePlusPlusOptions extends TokenRewards {
  /** γ, discount per token, 0 to 1. Default 1. */
  readonly gamma?: number | undefined;
}

/**
 * Returns `A = whiten(G)` with `G_t = r_t + γ G_{t+1}`, whitened over the batch's response tokens. Prompts need no groups.
 *
 * Shapes: `tokenRewards`, `mask` and both results [tokens].
 * Mask: tokens outside it are skipped, as if the response tokens around them were neighbours; their results are 0. Precision: float64.
 *
 * @throws ShapeError when lengths differ. @throws NumericError on a reward that is not finite, or fewer than two response tokens.
 * @throws ConfigError on γ outside 0 to 1.
 * Source: arXiv 2501.03262; verl 0.9.1 trainer/ppo/core_algos.py, `reinforce_plus_plus`.
 *
 * @example reinforcePlusPlusAdvantages({ tokenRewards: [1, 0], offsets: [0, 1, 2] }).advantages // [0.7071068, -0.7071068]
 */
export function reinforcePlusPlusAdvantages(options: ReinforcePlusPlusOptions): TokenAdvantages {
  const who = "reinforcePlusPlusAdvantages";
  const { tokenRewards, gamma = 1 } = options;
  const rows = checkTokenRewards(who, options);
  checkNumber(who, "gamma", gamma, { least: 0, most: 1 });
  const returns = new Float64Array(rows.tokenCount);
  for (let row = 0; row < rows.rowCount; row++) {
    const { from, to } = rows.span(row);
    let following = 0;
    for (let token = to - 1; token >= from; token--) {
      if (!rows.isResponse(token)) continue;
      following = tokenRewards[token]! + gamma * following;
      returns[token] = following;
    }
  }
  const whitened = whitenOver(who, returns, rows);
  return { advantages: whitened.map((advantage, token) => (rows.isResponse(token) ? advantage : 0)), returns };
}
