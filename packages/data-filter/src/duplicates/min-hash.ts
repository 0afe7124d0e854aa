// MinHash signatures: two sets agree in each place with probability equal to their Jaccard similarity.
// Source: Broder, On the resemblance and containment of documents (1997).
import { mix32 } from "./hash.ts";

/** Writes the signature of `shingles` to `out`: in place i the least hash under the i-th of `out.length` keyed hash functions. */
export function minHashInto(out: Uint32Array, shingles: Uint32Array, seeds: Uint32Array): void {
  for (let i = 0; i < out.length; i++) {
    const seed = seeds[i]!;
    let least = 0xffffffff;
    for (let s = 0; s < shingles.length; s++) {
      let x = Math.imul(shingles[s]! ^ seed, 0x85ebca6b);
      x = Math.imul(x ^ (x >>> 15), 0xc2b2ae35) >>> 0;
      if (x < least) least = x;
    }
    out[i] = least;
  }
}

/** Seeds of `count` hash functions, always the same. */
export function minHashSeeds(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => mix32(0x5bd1e995 + Math.imul(i + 1, 0x9e3779b1)));
}
