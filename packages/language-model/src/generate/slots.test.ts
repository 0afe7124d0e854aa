import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slotsFor } from "./slots.ts";

describe("slotsFor", () => {
  test("halves for short responses, two sizes an octave for long ones", () => {
    const sizes = (maxNewTokens: number) => [...new Set(Array.from({ length: 64 }, (_, i) => slotsFor(64 - i, maxNewTokens)))];
    expect(sizes(128)).toEqual([64, 32, 16, 8, 4, 2]);
    expect(sizes(129)).toEqual([64, 48, 32, 24, 16, 12, 8, 4, 2, 1]);
  });

  test("holds every sequence and never grows as sequences leave", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 1000 }), (live, maxNewTokens) => {
        const slots = slotsFor(live, maxNewTokens);
        expect(slots).toBeGreaterThanOrEqual(live);
        expect(slotsFor(Math.max(1, live - 1), maxNewTokens)).toBeLessThanOrEqual(slots);
      }),
    );
  });
});
