// What a clipping rule takes the gradient from, given where the ratios stand: to ask of a finished run what another loss would have clipped.
import { ConfigError } from "@longcot/errors";

import { clipStatistics } from "./ratio-statistics.ts";
import type { ClipStatistics } from "./ratio-statistics.ts";
import { checkOffsets, checkTokenCount, meanOverTokens } from "./token-columns.ts";
import type { TokenMask } from "./token-columns.ts";

/** PPO's range on each token's ratio; with `dualClip` also tokens of negative advantage whose ratio is above it. */
export interface TokenClipRule {
  readonly kind: "token";
  readonly clipLow: number;
  readonly clipHigh: number;
  /** Above 1; absent: no such bound. */
  readonly dualClip?: number;
}
/** GSPO's range on the geometric mean of a response's ratios: all its tokens are clipped, or none. */
export interface SequenceClipRule {
  readonly kind: "sequence";
  readonly clipLow: number;
  readonly clipHigh: number;
}
/** Clip-Cov: beside PPO's range, `ratio` of the tokens, drawn among those whose covariance term lies between the bounds. */
export interface CovarianceClipRule {
  readonly kind: "clip_cov";
  readonly clipLow: number;
  readonly clipHigh: number;
  /** Defaults of verl: 2e-4, 1, 5. */
  readonly ratio?: number;
  readonly lowerBound?: number;
  readonly upperBound?: number;
}
export type ClipRule = TokenClipRule | SequenceClipRule | CovarianceClipRule;

export interface RuleStatistics extends ClipStatistics {
  /** Share of tokens clipped for another reason than the range: by `dualClip`, or drawn by Clip-Cov. Counted in `fraction`. */
  readonly other: number;
}

/**
 * Returns the shares of counted tokens whose gradient `rule` takes away. Which tokens Clip-Cov draws is chance; how many is not, and that is what is returned.
 *
 * Shapes: `logProbs` `oldLogProbs` [tokens], `advantages` [rows], `offsets` [rows + 1], `mask` [tokens].
 *
 * @throws ShapeError when lengths do not fit. @throws NumericError when no token counts. @throws ConfigError on bounds that are none.
 * Source: arXiv 1912.09729 (dual clip), 2507.18071 (GSPO), 2505.22617 and verl's clip_cov (Clip-Cov).
 */
export function clippedByRule(
  columns: {
    readonly logProbs: ArrayLike<number>;
    readonly oldLogProbs: ArrayLike<number>;
    readonly advantages: ArrayLike<number>;
    readonly offsets: ArrayLike<number>;
  } & TokenMask,
  rule: ClipRule,
): RuleStatistics {
  switch (rule.kind) {
    case "token": {
      const plain = clipStatistics({ ...columns, clipLow: rule.clipLow, clipHigh: rule.clipHigh });
      const { dualClip } = rule;
      if (dualClip === undefined) return { ...plain, other: 0 };
      if (!(dualClip > 1))
        throw new ConfigError({ who: "clippedByRule", argument: "dualClip", expected: "above 1", received: String(dualClip) });
      const { change, sign } = perToken(columns);
      const bound = Math.log(dualClip);
      const other = share(columns, (token) => sign[token]! < 0 && change[token]! > bound);
      return { ...plain, other, fraction: plain.fraction + other };
    }
    case "sequence": {
      const { offsets, mask } = columns;
      const { change } = perToken(columns);
      const means = new Float64Array(change.length);
      for (let row = 0; row + 1 < offsets.length; row++) {
        let [sum, count] = [0, 0];
        for (let token = offsets[row]!; token < offsets[row + 1]!; token++) {
          if (mask !== undefined && !(mask[token]! > 0)) continue;
          sum += change[token]!;
          count++;
        }
        means.fill(count === 0 ? 0 : sum / count, offsets[row], offsets[row + 1]);
      }
      const sequence = { ...columns, logProbs: means, oldLogProbs: new Float64Array(means.length) };
      return { ...clipStatistics({ ...sequence, clipLow: rule.clipLow, clipHigh: rule.clipHigh }), other: 0 };
    }
    case "clip_cov": {
      const { ratio = 2e-4, lowerBound = 1, upperBound = 5 } = rule;
      if (!(ratio > 0 && ratio <= 1))
        throw new ConfigError({ who: "clippedByRule", argument: "ratio", expected: "above 0 and at most 1", received: String(ratio) });
      const plain = clipStatistics({ ...columns, clipLow: rule.clipLow, clipHigh: rule.clipHigh });
      const { logProbs, mask } = columns;
      const { change, advantage } = perToken(columns);
      const tokens = logProbs.length;
      const meanAdvantage = meanOverTokens("clippedByRule", tokens, mask, (token) => advantage[token]!);
      const meanLogProb = meanOverTokens("clippedByRule", tokens, mask, (token) => logProbs[token]!);
      const [highest, lowest] = [Math.log1p(rule.clipHigh), Math.log1p(-rule.clipLow)];
      const isClipped = (token: number) =>
        (advantage[token]! > 0 && change[token]! > highest) || (advantage[token]! < 0 && change[token]! < lowest);
      const counted = share(columns, () => true, false);
      const eligible = share(
        columns,
        (token) => {
          const term = (advantage[token]! - meanAdvantage) * (logProbs[token]! - meanLogProb);
          return !isClipped(token) && term > lowerBound && term < upperBound;
        },
        false,
      );
      const other = Math.min(eligible, Math.max(Math.floor(ratio * counted), 1)) / counted;
      return { ...plain, other, fraction: plain.fraction + other };
    }
  }
}

type Columns = Parameters<typeof clippedByRule>[0];

function perToken({ logProbs, oldLogProbs, advantages, offsets, mask }: Columns) {
  const who = "clippedByRule";
  checkOffsets(who, offsets, advantages.length, logProbs.length);
  checkTokenCount(who, "oldLogProbs", oldLogProbs, logProbs.length);
  checkTokenCount(who, "mask", mask, logProbs.length);
  const change = Float64Array.from(logProbs, (value, token) => value - oldLogProbs[token]!);
  const advantage = new Float64Array(logProbs.length);
  for (let row = 0; row < advantages.length; row++) advantage.fill(advantages[row]!, offsets[row], offsets[row + 1]);
  return { change, advantage, sign: advantage.map(Math.sign) };
}

/** Share of counted tokens that fit; their number where `isShare` is false. */
function share({ logProbs, mask }: Columns, fits: (token: number) => boolean, isShare = true): number {
  let [hits, counted] = [0, 0];
  for (let token = 0; token < logProbs.length; token++) {
    if (mask !== undefined && !(mask[token]! > 0)) continue;
    counted++;
    if (fits(token)) hits++;
  }
  return isShare ? hits / counted : hits;
}
