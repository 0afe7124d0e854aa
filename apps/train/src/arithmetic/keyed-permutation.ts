// A random order of 0..size-1 that is a function of its key: nothing is stored, any position can be asked.

const ROUNDS = 6;

/** 32 well-mixed bits of a list of 32-bit integers. Source: MurmurHash3 (Appleby, public domain), finalizer and body. */
export function hash32(...words: number[]): number {
  let hash = 0x9747b28c;
  for (const word of words) {
    let block = Math.imul(word, 0xcc9e2d51);
    block = Math.imul((block << 15) | (block >>> 17), 0x1b873593);
    hash ^= block;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Where `position` goes in the permutation of 0..size-1 that `key` names. A Feistel network over the next even number of bits,
 * walked until it lands inside. `size` is at most 2^30.
 */
export function permute(position: number, size: number, key: number): number {
  const halfBits = Math.max(1, Math.ceil(Math.ceil(Math.log2(size)) / 2));
  const mask = (1 << halfBits) - 1;
  let value = position;
  do {
    let left = value >>> halfBits;
    let right = value & mask;
    for (let round = 0; round < ROUNDS; round++) [left, right] = [right, left ^ (hash32(key, round, right) & mask)];
    value = (left << halfBits) | right;
  } while (value >= size);
  return value;
}
