// Rewards of responses from rewards of tokens.
import { checkFiniteTokens, checkTokenLayout } from "./token-layout.ts";
import type { TokenLayout } from "./token-layout.ts";

/**
 * Returns Σ of the token rewards of each row: what an estimator over groups takes when the reward is spread over tokens.
 *
 * Shapes: `tokenRewards`, `mask` [tokens], the result [rows]. Mask: only response tokens count. Precision: float64.
 * @throws ShapeError when lengths differ. @throws NumericError on a response token's reward that is not finite.
 */
export function sumRowRewards({ tokenRewards, ...layout }: { readonly tokenRewards: ArrayLike<number> } & TokenLayout): Float64Array {
  const who = "sumRowRewards";
  const rows = checkTokenLayout(who, layout);
  checkFiniteTokens(who, "tokenRewards", tokenRewards, rows);
  const sums = new Float64Array(rows.rowCount);
  for (let row = 0; row < rows.rowCount; row++) {
    const { from, to } = rows.span(row);
    for (let token = from; token < to; token++) if (rows.isResponse(token)) sums[row]! += tokenRewards[token]!;
  }
  return sums;
}
