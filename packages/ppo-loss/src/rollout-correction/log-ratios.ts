// The trainer's log-probabilities over the sampler's: what every part of the rollout correction starts from.
import { NumericError } from "@longcot/errors";

import { checkFiniteTokens, checkTokenLayout } from "../token-layout.ts";
import type { TokenLayout, TokenRows } from "../token-layout.ts";

/** Token columns [tokens], nats: the same tokens under the trainer (old policy) and under the sampler that drew them. */
export interface RolloutLogProbs extends TokenLayout {
  readonly oldLogProbs: ArrayLike<number>;
  readonly rolloutLogProbs: ArrayLike<number>;
}

/** |log ratio| at which exponentials saturate, as in verl. */
export const CORRECTION_LIMIT = 20;

export interface LogRatios {
  readonly rows: TokenRows;
  /** [tokens] log π_old − log π_rollout, 0 outside the mask. */
  readonly logRatios: Float64Array;
  /** Response tokens of a row. */
  readonly tokensOf: (row: number) => number[];
  /** Rows that have response tokens. */
  readonly rowsWithTokens: readonly number[];
}

/** @throws ShapeError when lengths differ. @throws NumericError on a response token's value that is not finite, or no response token at all. */
export function logRatiosOf(who: string, { oldLogProbs, rolloutLogProbs, ...layout }: RolloutLogProbs): LogRatios {
  const rows = checkTokenLayout(who, layout);
  checkFiniteTokens(who, "oldLogProbs", oldLogProbs, rows);
  checkFiniteTokens(who, "rolloutLogProbs", rolloutLogProbs, rows);
  if (rows.responseTokens === 0)
    throw new NumericError({
      who,
      argument: "mask",
      expected: "at least one response token",
      received: "none",
      fix: "Skip a batch without tokens",
    });
  const logRatios = new Float64Array(rows.tokenCount);
  const tokens: number[][] = [];
  for (let row = 0; row < rows.rowCount; row++) {
    const { from, to } = rows.span(row);
    const own = Array.from({ length: to - from }, (_, i) => from + i).filter((token) => rows.isResponse(token));
    for (const token of own) logRatios[token] = oldLogProbs[token]! - rolloutLogProbs[token]!;
    tokens.push(own);
  }
  return { rows, logRatios, tokensOf: (row) => tokens[row]!, rowsWithTokens: [...tokens.keys()].filter((row) => tokens[row]!.length > 0) };
}

export const clampRatio = (logRatio: number): number => Math.min(Math.max(logRatio, -CORRECTION_LIMIT), CORRECTION_LIMIT);

export const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sample standard deviation, 0 for a single value. */
export function stdOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

export const largest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), -Infinity);
export const smallest = (values: readonly number[]): number => values.reduce((least, value) => Math.min(least, value), Infinity);
export const shareOf = (values: readonly number[], condition: (value: number) => boolean): number =>
  values.filter(condition).length / values.length;
