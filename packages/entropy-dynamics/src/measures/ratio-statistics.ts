// Ratios of a new policy to the old one on sampled tokens: how far it has gone, and what a clip range would stop.
import { ConfigError } from "@longcot/errors";

import { checkOffsets, checkTokenCount, meanOverTokens } from "./token-columns.ts";
import type { TokenMask } from "./token-columns.ts";

export interface RatioStatistics {
  /** Mean, largest and smallest ρ = π_new / π_old. */
  readonly mean: number;
  readonly max: number;
  readonly min: number;
  /** Mean of log π_old − log π_new: verl's `ppo_kl`, an estimate of KL(old ‖ new) that can be negative. */
  readonly k1: number;
  /** Mean of ρ − 1 − log ρ: an estimate of the same that cannot be negative. */
  readonly k3: number;
  /** (Σρ)² / (n Σρ²): share of the tokens that the ratios are worth as samples of the new policy. */
  readonly effectiveSampleShare: number;
}

/**
 * Returns statistics of token ratios.
 *
 * Shapes: `logProbs` (new policy) `oldLogProbs` [tokens], nats; `mask` [tokens]. Precision: float64.
 *
 * @throws ShapeError when lengths differ. @throws NumericError when no token counts or a ratio is not finite.
 */
export function ratioStatistics(
  columns: { readonly logProbs: ArrayLike<number>; readonly oldLogProbs: ArrayLike<number> } & TokenMask,
): RatioStatistics {
  const who = "ratioStatistics";
  const { logProbs, oldLogProbs, mask } = columns;
  checkTokenCount(who, "oldLogProbs", oldLogProbs, logProbs.length);
  checkTokenCount(who, "mask", mask, logProbs.length);
  const tokens = logProbs.length;
  const change = (token: number) => logProbs[token]! - oldLogProbs[token]!;
  const mean = meanOverTokens(who, tokens, mask, (token) => Math.exp(change(token)));
  const square = meanOverTokens(who, tokens, mask, (token) => Math.exp(2 * change(token)));
  const k1 = meanOverTokens(who, tokens, mask, (token) => -change(token));
  let [max, min] = [-Infinity, Infinity];
  for (let token = 0; token < tokens; token++) {
    if (mask !== undefined && !(mask[token]! > 0)) continue;
    max = Math.max(max, change(token));
    min = Math.min(min, change(token));
  }
  return { mean, max: Math.exp(max), min: Math.exp(min), k1, k3: mean - 1 + k1, effectiveSampleShare: mean ** 2 / square };
}

export interface ClipStatistics {
  /** Tokens of positive advantage whose ratio is above 1 + ε_high, share of all counted tokens: rises that are stopped. */
  readonly high: number;
  /** Tokens of negative advantage whose ratio is below 1 − ε_low: falls that are stopped. */
  readonly low: number;
  /** Both: verl's `pg_clipfrac`. */
  readonly fraction: number;
}

/**
 * Returns the shares of tokens that a clip range takes the gradient from: those where clip(ρ)·A < ρ·A.
 *
 * Shapes: `logProbs` `oldLogProbs` [tokens], `advantages` [rows], `offsets` [rows + 1], `mask` [tokens].
 *
 * @throws ShapeError when lengths do not fit. @throws NumericError when no token counts.
 * @throws ConfigError unless 0 < clipLow < 1 and clipHigh > 0.
 */
export function clipStatistics(
  columns: {
    readonly logProbs: ArrayLike<number>;
    readonly oldLogProbs: ArrayLike<number>;
    readonly advantages: ArrayLike<number>;
    readonly offsets: ArrayLike<number>;
    readonly clipLow: number;
    readonly clipHigh: number;
  } & TokenMask,
): ClipStatistics {
  const who = "clipStatistics";
  const { logProbs, oldLogProbs, advantages, offsets, clipLow, clipHigh, mask } = columns;
  if (!(clipLow > 0 && clipLow < 1))
    throw new ConfigError({ who, argument: "clipLow", expected: "between 0 and 1", received: String(clipLow) });
  if (!(clipHigh > 0)) throw new ConfigError({ who, argument: "clipHigh", expected: "above 0", received: String(clipHigh) });
  const tokens = logProbs.length;
  checkOffsets(who, offsets, advantages.length, tokens);
  checkTokenCount(who, "oldLogProbs", oldLogProbs, tokens);
  checkTokenCount(who, "mask", mask, tokens);
  const sign = new Float64Array(tokens);
  for (let row = 0; row < advantages.length; row++) sign.fill(Math.sign(advantages[row]!), offsets[row], offsets[row + 1]);
  const [highest, lowest] = [Math.log1p(clipHigh), Math.log1p(-clipLow)];
  const share = (isClipped: (change: number, sign: number) => boolean) =>
    meanOverTokens(who, tokens, mask, (token) => (isClipped(logProbs[token]! - oldLogProbs[token]!, sign[token]!) ? 1 : 0));
  const high = share((change, s) => s > 0 && change > highest);
  const low = share((change, s) => s < 0 && change < lowest);
  return { high, low, fraction: high + low };
}
