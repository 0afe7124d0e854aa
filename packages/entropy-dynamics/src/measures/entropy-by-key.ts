// Mean entropy of groups of rows: by data source, outcome, stage, level or any other label of a response.
import { NumericError } from "@longcot/errors";

import { checkOffsets, checkTokenCount } from "./token-columns.ts";
import type { TokenMask } from "./token-columns.ts";

/** Entropy of the responses that share a key. */
export interface KeyEntropy {
  /** Mean over the counted tokens of all the key's rows, in nats; `undefined` when none counts. */
  readonly meanNats: number | undefined;
  readonly tokens: number;
  readonly rows: number;
}

/**
 * Returns the token-mean of `entropies` for every key, in order of first appearance. With `−logProbs` in place of
 * `entropies` it is the Monte-Carlo estimate by key. The token-weighted mean of the groups is the global mean.
 *
 * Shapes: `entropies` [tokens], `offsets` [rows + 1], `keys` [rows], `mask` [tokens]. Precision: float64 sums.
 *
 * @throws ShapeError when lengths do not fit. @throws NumericError naming the first row with a value that is not finite.
 */
export function entropyByKey<Key extends string | number | boolean>(
  columns: {
    readonly entropies: ArrayLike<number>;
    readonly offsets: ArrayLike<number>;
    readonly keys: ArrayLike<Key>;
  } & TokenMask,
): Map<Key, KeyEntropy> {
  const who = "entropyByKey";
  const { entropies, offsets, keys, mask } = columns;
  checkOffsets(who, offsets, keys.length, entropies.length);
  checkTokenCount(who, "mask", mask, entropies.length);

  const sums = new Map<Key, { sum: number; tokens: number; rows: number }>();
  for (let row = 0; row < keys.length; row++) {
    const key = keys[row]!;
    let entry = sums.get(key);
    if (entry === undefined) sums.set(key, (entry = { sum: 0, tokens: 0, rows: 0 }));
    entry.rows++;
    for (let token = offsets[row]!; token < offsets[row + 1]!; token++) {
      if (mask !== undefined && !(mask[token]! > 0)) continue;
      entry.sum += entropies[token]!;
      entry.tokens++;
    }
    if (!Number.isFinite(entry.sum)) {
      throw new NumericError({
        who,
        argument: `entropies of row ${row}`,
        expected: "finite",
        received: `a sum of ${entry.sum}`,
      });
    }
  }
  return new Map(
    [...sums].map(([key, { sum, tokens, rows }]) => [key, { meanNats: tokens === 0 ? undefined : sum / tokens, tokens, rows }]),
  );
}
