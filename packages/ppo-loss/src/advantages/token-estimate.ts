// What every estimator over token rewards shares: its inputs and outputs.
import { checkFinite, checkRowCount } from "../row-values.ts";
import { checkFiniteTokens, checkTokenLayout } from "../token-layout.ts";
import type { TokenLayout, TokenRows } from "../token-layout.ts";

/** Inputs of an estimator over token rewards: an outcome is a reward on the last response token, see {@link outcomeTokenRewards}. */
export interface TokenRewards extends TokenLayout {
  /** [tokens] */
  readonly tokenRewards: ArrayLike<number>;
}

export interface TokenAdvantages {
  /** [tokens]; only response tokens carry a meaning. */
  readonly advantages: Float64Array;
  /** [tokens], return-to-go: what a value function is fitted to. Only response tokens carry a meaning. */
  readonly returns: Float64Array;
}

/** Checks layout and rewards. @throws ShapeError when lengths differ. @throws NumericError on a response token's reward that is not finite. */
export function checkTokenRewards(who: string, { tokenRewards, ...layout }: TokenRewards): TokenRows {
  const rows = checkTokenLayout(who, layout);
  checkFiniteTokens(who, "tokenRewards", tokenRewards, rows);
  return rows;
}

/** Σ of the rewards of response tokens from each token to the end of its row. */
export function rewardsToGo(tokenRewards: ArrayLike<number>, rows: TokenRows): Float64Array {
  const returns = new Float64Array(rows.tokenCount);
  for (let row = 0; row < rows.rowCount; row++) {
    const { from, to } = rows.span(row);
    let sum = 0;
    for (let token = to - 1; token >= from; token--) {
      if (rows.isResponse(token)) sum += tokenRewards[token]!;
      returns[token] = sum;
    }
  }
  return returns;
}

/**
 * Returns token rewards that are `rewards[row]` on the row's last response token and 0 elsewhere.
 *
 * Shapes: `rewards` [rows], the result [tokens]. A row without response tokens has no place for its reward: it is lost.
 * @throws ShapeError when lengths differ. @throws NumericError on a reward that is not finite.
 */
export function outcomeTokenRewards({ rewards, ...layout }: { readonly rewards: ArrayLike<number> } & TokenLayout): Float64Array {
  const who = "outcomeTokenRewards";
  const rows = checkTokenLayout(who, layout);
  checkRowCount(who, "rewards", rewards, rows.rowCount);
  checkFinite(who, "rewards", rewards);
  const tokenRewards = new Float64Array(rows.tokenCount);
  for (let row = 0; row < rows.rowCount; row++) {
    const { from, to } = rows.span(row);
    let last = to - 1;
    while (last >= from && !rows.isResponse(last)) last--;
    if (last >= from) tokenRewards[last] = rewards[row]!;
  }
  return tokenRewards;
}
