// The one numeric matcher: explicit absolute and relative tolerance, non-finite values never pass by accident.
import { expect } from "vitest";

/** Largest allowed |actual - expected|: `atol + rtol * |expected|`. */
export interface Tolerance {
  atol?: number;
  rtol?: number;
}

/** Fails unless `actual` and `expected` have one length and every pair is within `tolerance`; equal infinities pass, NaN never does. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: Tolerance, label = "values"): void {
  const { atol = 0, rtol = 0 } = tolerance;
  expect(actual.length, `${label}: length`).toBe(expected.length);
  let worst = -1;
  let worstExcess = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (a === e) continue;
    const excess = Math.abs(a - e) - (atol + rtol * Math.abs(e));
    if (!(excess <= worstExcess)) {
      worst = i;
      worstExcess = Number.isNaN(excess) ? Infinity : excess;
    }
  }
  if (worst >= 0) expect.fail(`${label}[${worst}]: expected ${expected[worst]}, got ${actual[worst]} (atol ${atol}, rtol ${rtol})`);
}
