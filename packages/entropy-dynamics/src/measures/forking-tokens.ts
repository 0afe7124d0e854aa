// Forking tokens: the few tokens of high entropy where a chain of thought chooses its way.
import { ConfigError, NumericError } from "@longcot/errors";

import { checkTokenCount } from "./token-columns.ts";
import type { TokenMask } from "./token-columns.ts";

export interface ForkingTokens {
  /** Lowest entropy among them, in nats: the quantile. */
  readonly thresholdNats: number;
  readonly meanNats: number;
  /** Their part of the sum of all entropies; 1 when all entropies are 0. */
  readonly entropyShare: number;
  readonly tokens: number;
}

/**
 * Returns statistics of the ⌈fraction · n⌉ counted tokens of highest entropy; among equal entropies it does not matter which.
 *
 * Shapes: `entropies` [tokens], `mask` [tokens]. Units: nats. Precision: float64.
 *
 * @throws ShapeError when lengths differ. @throws NumericError when no token counts or one is not finite.
 * @throws ConfigError unless 0 < fraction ≤ 1.
 * Source: arXiv 2506.01939 (top 20% as forking tokens).
 */
export function forkingTokens(columns: { readonly entropies: ArrayLike<number>; readonly fraction?: number } & TokenMask): ForkingTokens {
  const who = "forkingTokens";
  const { entropies, mask, fraction = 0.2 } = columns;
  if (!(fraction > 0 && fraction <= 1))
    throw new ConfigError({ who, argument: "fraction", expected: "above 0 and at most 1", received: String(fraction) });
  checkTokenCount(who, "mask", mask, entropies.length);
  const counted = Float64Array.from(entropies).filter((_, token) => mask === undefined || mask[token]! > 0);
  const total = counted.reduce((sum, value) => sum + value, 0);
  if (counted.length === 0 || !Number.isFinite(total))
    throw new NumericError({
      who,
      argument: "entropies",
      expected: "at least one counted token, all finite",
      received: `${counted.length} tokens, a sum of ${total}`,
    });
  counted.sort();
  const top = counted.subarray(counted.length - Math.ceil(fraction * counted.length));
  const sum = top.reduce((all, value) => all + value, 0);
  return { thresholdNats: top[0]!, meanNats: sum / top.length, entropyShare: total === 0 ? 1 : sum / total, tokens: top.length };
}
