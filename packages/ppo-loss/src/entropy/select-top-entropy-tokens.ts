// The forking tokens of a batch: those of the highest entropy, to which a bonus or a whole loss can be restricted.
import { checkNumber } from "../option-checks.ts";
import { checkFiniteTokens, checkTokenLayout } from "../token-layout.ts";
import type { TokenLayout } from "../token-layout.ts";

/**
 * Returns 1 for the `floor(ratio · N)` response tokens (at least one) of the highest entropy, 0 for the others; ties go to the first. As a
 * mask it restricts a loss to forking tokens; multiplied into the entropies, a bonus.
 *
 * Shapes: `entropies` and the result [tokens] f32. Reduction: ranked over all N response tokens of the call, so call it on the whole batch of
 * an update, not on a micro-batch. Without response tokens the result is all 0.
 *
 * @throws ShapeError, NumericError on entropies that differ in length or are not finite. @throws ConfigError on a ratio outside 0 to 1.
 * Source: arXiv 2506.01939 §5 (ratio 0.2).
 *
 * @example selectTopEntropyTokens({ entropies: [0.1, 2, 0.3, 1], ratio: 0.5, offsets: [0, 4] }) // [0, 1, 0, 1]
 */
export function selectTopEntropyTokens(
  options: {
    /** [tokens], nats. */ readonly entropies: ArrayLike<number>;
    /** Default 0.2. */ readonly ratio?: number | undefined;
  } & TokenLayout,
): Float32Array {
  const who = "selectTopEntropyTokens";
  const { entropies, ratio = 0.2 } = options;
  checkNumber(who, "ratio", ratio, { least: 0, most: 1, exclusive: true });
  const rows = checkTokenLayout(who, options);
  checkFiniteTokens(who, "entropies", entropies, rows);
  const tokens = Array.from({ length: rows.tokenCount }, (_, token) => token).filter((token) => rows.isResponse(token));
  const ranked = tokens.toSorted((a, b) => entropies[b]! - entropies[a]! || a - b);
  const selected = new Float32Array(rows.tokenCount);
  for (const token of ranked.slice(0, Math.max(1, Math.floor(ratio * tokens.length)))) selected[token] = 1;
  return selected;
}
