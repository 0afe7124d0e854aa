// Hashes over token hashes. Not cryptographic: equal inputs are found, and what matters is compared afterwards.

/** A 32-bit value whose every bit hangs on every bit of `value`. Source: MurmurHash3's finaliser. */
export function mix32(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

const [LOW_PRIME, HIGH_PRIME] = [0x01000193, 0x27d4eb2f];

/** A running 53-bit hash of a sequence of 32-bit values: small enough for a number, large enough that a million of them rarely collide. */
export interface SequenceHash {
  add(value: number): void;
  value(): number;
  reset(): void;
}

export function sequenceHash(): SequenceHash {
  let [low, high] = [1, 2];
  return {
    add(value) {
      low = mix32(Math.imul(low, LOW_PRIME) + value);
      high = mix32(Math.imul(high, HIGH_PRIME) ^ value);
    },
    value: () => (high >>> 11) * 2 ** 32 + low,
    reset() {
      [low, high] = [1, 2];
    },
  };
}
