// Shingles: the pairs of neighbouring tokens of a statement, as a sorted set of hashes; and how alike two such sets are.
import { mix32 } from "./hash.ts";

/** The distinct token pairs of `tokens`, ascending; a single token is a shingle by itself. */
export function shingles(tokens: Uint32Array): Uint32Array {
  if (tokens.length === 1) return Uint32Array.of(tokens[0]!);
  const all = new Uint32Array(Math.max(0, tokens.length - 1));
  for (let i = 0; i < all.length; i++) all[i] = mix32(Math.imul(tokens[i]!, 0x9e3779b1) ^ tokens[i + 1]!);
  all.sort();
  let count = 0;
  for (let i = 0; i < all.length; i++) if (i === 0 || all[i] !== all[i - 1]) all[count++] = all[i]!;
  return all.subarray(0, count);
}

/** Sizes of the common part of two sorted sets. */
export function commonCount(a: Uint32Array, b: Uint32Array): number {
  let [i, j, common] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const [x, y] = [a[i]!, b[j]!];
    if (x === y) common++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return common;
}

/** |A ∩ B| / |A ∪ B|; 0 for two empty sets. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  const common = commonCount(a, b);
  const union = a.length + b.length - common;
  return union === 0 ? 0 : common / union;
}
