// Which tokens Clip-Cov and KL-Cov act on: those whose log-probability and advantage covary, over the whole batch of an update.
//
// Both rules rank tokens against the batch's means, so they cannot be taken inside a micro-batch without depending on the cut: choose here,
// once per update, and give each micro-batch its part of the result.
import { checkNumber } from "../option-checks.ts";
import { checkFiniteTokens, checkTokenLayout } from "../token-layout.ts";
import type { TokenLayout, TokenRows } from "../token-layout.ts";

/** Token columns [tokens], nats. `logProbs` are those of the policy about to be updated; before the first update they are the old ones. */
export interface CovarianceInputs extends TokenLayout {
  readonly logProbs: ArrayLike<number>;
  readonly oldLogProbs: ArrayLike<number>;
  readonly advantages: ArrayLike<number>;
}

export interface ClipCovSelection {
  /** Share of response tokens to take, at least one. Default 2e-4. */
  readonly covRatio?: number | undefined;
  /** Only covariances above it. Default 1. */
  readonly covLow?: number | undefined;
  /** Only covariances below it. Default 5. */
  readonly covHigh?: number | undefined;
  /** Tokens that the clip range cuts already are not taken. Default 0.2. */
  readonly clipLow?: number | undefined;
  readonly clipHigh?: number | undefined;
  /** [0, 1) for each token: of more eligible tokens than are to be taken, those with the smallest draws. Key it by seed and place. */
  readonly draw: (token: number) => number;
}

/**
 * Returns 1 for the tokens to take, 0 for the others: `floor(covRatio · N)` (at least one) drawn among response tokens with
 * `covLow < (A − mean A)(log π − mean log π) < covHigh` that the clip does not cut. Fewer where fewer are eligible.
 *
 * Shapes: token columns and the result [tokens] f32. Reduction: means over the response tokens of the batch, N of them.
 *
 * @throws ShapeError, NumericError on columns that differ in length or are not finite. @throws ConfigError on a ratio outside 0 to 1.
 * Source: arXiv 2505.22617 eq. 10 and 11; verl 0.9.1 trainer/ppo/core_algos.py, `clip_cov`.
 */
export function selectClipCovTokens(options: CovarianceInputs & ClipCovSelection): Float32Array {
  const who = "selectClipCovTokens";
  const { logProbs, oldLogProbs, advantages, covRatio = 2e-4, covLow = 1, covHigh = 5, clipLow = 0.2, clipHigh = 0.2, draw } = options;
  checkNumber(who, "covRatio", covRatio, { least: 0, most: 1, exclusive: true });
  const { rows, tokens, covariance } = covariances(who, options);
  const isClipped = (token: number): boolean => {
    const ratio = Math.exp(logProbs[token]! - oldLogProbs[token]!);
    return advantages[token]! > 0 ? ratio > 1 + clipHigh : advantages[token]! < 0 && ratio < 1 - clipLow;
  };
  const eligible = tokens.filter((token) => covariance(token) > covLow && covariance(token) < covHigh && !isClipped(token));
  const draws = new Map(eligible.map((token) => [token, draw(token)]));
  const taken = eligible.toSorted((a, b) => draws.get(a)! - draws.get(b)! || a - b).slice(0, countOf(covRatio, tokens.length));
  return flags(rows, taken);
}

/**
 * Returns 1 for the `floor(covRatio · N)` response tokens (at least one) of the largest `(A − mean A)(log π − mean log π)`, 0 for the
 * others; ties go to the first.
 *
 * Shapes, reduction and errors as {@link selectClipCovTokens}. Source: arXiv 2505.22617 eq. 13; verl 0.9.1, `kl_cov`.
 */
export function selectKlCovTokens(
  options: CovarianceInputs & { /** Default 2e-4. */ readonly covRatio?: number | undefined },
): Float32Array {
  const who = "selectKlCovTokens";
  const { covRatio = 2e-4 } = options;
  checkNumber(who, "covRatio", covRatio, { least: 0, most: 1, exclusive: true });
  const { rows, tokens, covariance } = covariances(who, options);
  const taken = tokens.toSorted((a, b) => covariance(b) - covariance(a) || a - b).slice(0, countOf(covRatio, tokens.length));
  return flags(rows, taken);
}

function covariances(
  who: string,
  { logProbs, oldLogProbs, advantages, ...layout }: CovarianceInputs,
): { rows: TokenRows; tokens: number[]; covariance: (token: number) => number } {
  const rows = checkTokenLayout(who, layout);
  for (const [name, values] of Object.entries({ logProbs, oldLogProbs, advantages })) checkFiniteTokens(who, name, values, rows);
  const tokens = Array.from({ length: rows.tokenCount }, (_, token) => token).filter((token) => rows.isResponse(token));
  const mean = (values: ArrayLike<number>): number => tokens.reduce((sum, token) => sum + values[token]!, 0) / tokens.length;
  const [meanAdvantage, meanLogProb] = [mean(advantages), mean(logProbs)];
  return { rows, tokens, covariance: (token) => (advantages[token]! - meanAdvantage) * (logProbs[token]! - meanLogProb) };
}

const countOf = (ratio: number, tokens: number): number => Math.max(1, Math.floor(ratio * tokens));

function flags(rows: TokenRows, taken: readonly number[]): Float32Array {
  const selected = new Float32Array(rows.tokenCount);
  for (const token of taken) selected[token] = 1;
  return selected;
}
