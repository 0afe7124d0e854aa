// What a response loses by saying the same again.
import { repetitionRate } from "@longcot/entropy-dynamics";

/**
 * Returns −(n-grams that occurred before in the same response) / (its n-grams), in [−1, 0]; 0 for responses shorter than `n` tokens.
 *
 * Shapes: `tokens` [rows] of token ids, the result [rows].
 *
 * @throws ConfigError unless n is a positive integer.
 * Source: the repetition penalty of arXiv 2502.03373 appendix C.2.
 */
export function repetitionPenalty({
  tokens,
  n = 4,
}: {
  readonly tokens: readonly ArrayLike<number>[];
  /** Default 4. */
  readonly n?: number | undefined;
}): Float64Array {
  return Float64Array.from(tokens, (response) => 0 - (repetitionRate([response], n) ?? 0));
}
