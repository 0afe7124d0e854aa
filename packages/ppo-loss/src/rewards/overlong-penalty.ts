// DAPO's soft overlong penalty: a response that comes near the cap loses reward, the more the nearer.
import { ConfigError } from "@longcot/errors";

import { checkNumber } from "../option-checks.ts";
import { checkFinite } from "../row-values.ts";

/**
 * Returns, per response, what to add to its reward: `−factor · (length − (maxLength − bufferLength)) / bufferLength` inside the last
 * `bufferLength` tokens before the cap, 0 before them. It reaches −factor at the cap and goes on falling behind it.
 *
 * Shapes: `lengths` and the result [rows]. Units: tokens.
 *
 * @throws ConfigError unless 0 < bufferLength ≤ maxLength and factor ≥ 0. @throws NumericError on a length that is not finite.
 * Source: arXiv 2503.14476 eq. 13; verl 0.9.1 workers/reward_manager/dapo.py.
 *
 * @example overlongPenalty({ lengths: [5, 7, 9], maxLength: 9, bufferLength: 4 }) // [0, -0.5, -1]
 */
export function overlongPenalty(options: {
  /** Response tokens of each response. */
  readonly lengths: ArrayLike<number>;
  /** The cap on the response, tokens. */
  readonly maxLength: number;
  /** Tokens before the cap in which the penalty grows. */
  readonly bufferLength: number;
  /** Penalty at the cap. Default 1. */
  readonly factor?: number | undefined;
}): Float64Array {
  const who = "overlongPenalty";
  const { lengths, maxLength, bufferLength, factor = 1 } = options;
  checkFinite(who, "lengths", lengths);
  checkNumber(who, "factor", factor, { least: 0 });
  if (!(bufferLength > 0 && bufferLength <= maxLength))
    throw new ConfigError({
      who,
      argument: "bufferLength",
      expected: `above 0 and at most maxLength (${maxLength})`,
      received: String(bufferLength),
    });
  const start = maxLength - bufferLength;
  return Float64Array.from(lengths, (length) => (length <= start ? 0 : (-(length - start) / bufferLength) * factor));
}
