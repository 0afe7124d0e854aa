// Generalised advantage estimation: TD errors of a value function, discounted and summed backwards.
import { checkNumber } from "../option-checks.ts";
import { checkFiniteTokens } from "../token-layout.ts";
import { checkTokenRewards } from "./token-estimate.ts";
import type { TokenAdvantages, TokenRewards } from "./token-estimate.ts";
import { whitenOver } from "./whitening.ts";

export interface GaeOptions extends TokenRewards {
  /** [tokens], V(s_t) before each token. */
  readonly values: ArrayLike<number>;
  /** γ, discount per response token, 0 to 1. Default 1. */
  readonly gamma?: number | undefined;
  /** λ, 0 (one-step TD) to 1 (return minus value). Default 1. */
  readonly lambda?: number | undefined;
  /** Whether advantages are whitened over the batch's response tokens; returns never are. Default `true`, as in verl. */
  readonly whiten?: boolean | undefined;
}

/**
 * Returns `A_t = Σ_k (γλ)^k δ_{t+k}` with `δ_t = r_t + γ V_{t+1} − V_t` (whitened unless told otherwise), and returns `A_t + V_t` before whitening.
 *
 * Shapes: `tokenRewards`, `values`, `mask` and both results [tokens].
 * Mask: tokens outside it are skipped, as if the response tokens around them were neighbours; the value behind the last one is 0.
 * Their results are 0. Precision: float64.
 *
 * @throws ShapeError when lengths differ. @throws NumericError on a response token's value that is not finite, or fewer than two
 * response tokens to whiten. @throws ConfigError on γ or λ outside 0 to 1.
 * Source: arXiv 1506.02438 eq. 16; verl 0.9.1 trainer/ppo/core_algos.py, `gae`.
 *
 * @example gaeAdvantages({ tokenRewards: [0, 1], values: [0.5, 0.5], offsets: [0, 2], whiten: false }).advantages // [0.5, 0.5]
 */
export function gaeAdvantages(options: GaeOptions): TokenAdvantages {
  const who = "gaeAdvantages";
  const { tokenRewards, values, gamma = 1, lambda = 1, whiten = true } = options;
  const rows = checkTokenRewards(who, options);
  checkFiniteTokens(who, "values", values, rows);
  checkNumber(who, "gamma", gamma, { least: 0, most: 1 });
  checkNumber(who, "lambda", lambda, { least: 0, most: 1 });

  const advantages = new Float64Array(rows.tokenCount);
  const returns = new Float64Array(rows.tokenCount);
  for (let row = 0; row < rows.rowCount; row++) {
    const { from, to } = rows.span(row);
    let [nextValue, advantage] = [0, 0];
    for (let token = to - 1; token >= from; token--) {
      if (!rows.isResponse(token)) continue;
      const value = values[token]!;
      advantage = tokenRewards[token]! + gamma * nextValue - value + gamma * lambda * advantage;
      nextValue = value;
      advantages[token] = advantage;
      returns[token] = advantage + value;
    }
  }
  if (!whiten) return { advantages, returns };
  const whitened = whitenOver(who, advantages, rows);
  return { advantages: whitened.map((advantage, token) => (rows.isResponse(token) ? advantage : 0)), returns };
}
