// Blocks of attention: what they cover, and how much memory they take.

import fc from "fast-check";
import { expect, test } from "vitest";
import { blockTimeFor } from "./causal-attention.ts";

const BLOCK_BYTES = 4 * 1024 * 1024;

test.each([
  // heads, time, positions of a block
  [4, 576, 144],
  [4, 1024, 256],
  [4, 32_768, 512],
  [64, 576, 144],
  // 8 MiB a block would be too many bytes, 128 positions are the least.
  [128, 512, 128],
  [1, 272, 144],
])("%i heads of %i positions go in blocks of %i", (heads, time, expected) => {
  expect(blockTimeFor(heads, time)).toBe(expected);
});

test("equal blocks cover the sequence and little more, in no more memory than a block may take", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 512 }), fc.integer({ min: 257, max: 40_000 }), (heads, time) => {
      const block = blockTimeFor(heads, time);
      const count = Math.ceil(time / block);
      expect(count * block - time).toBeLessThan(16 * count + block / 4);
      expect(block).toBeGreaterThanOrEqual(128);
      // 16 rounds up. Larger ones only where there are as many as the least allows.
      expect(4 * heads * (block - 16) ** 2 <= BLOCK_BYTES || block - 16 < time / Math.floor(time / 128)).toBe(true);
    }),
  );
});
