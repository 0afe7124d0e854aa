// Which request sits in which slot of the cache: pure bookkeeping, no tensors.

/** Number of slots, capacities and prompt lengths come in steps, so that few sizes are ever compiled. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** The least power of two that is at least `value`. */
export function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

/** Below this many slots a smaller batch is hardly faster. */
const LEAST_SLOTS = 2;
/** With longer responses than this, finer sizes save more time than they take to be compiled and moved to. */
const FINE_ABOVE_TOKENS = 128;

/**
 * Slots for `live` sequences: a power of two, or three quarters of one where responses of up to `maxNewTokens` leave one after the other over a long
 * time.
 */
export function slotsFor(live: number, maxNewTokens: number): number {
  const whole = Math.max(LEAST_SLOTS, powerOfTwo(live));
  const isFine = maxNewTokens > FINE_ABOVE_TOKENS && whole > 8 && live <= (whole * 3) / 4;
  return isFine ? (whole * 3) / 4 : whole;
}

/** Positions are compiled in steps of 32 up to 256, then in steps of a quarter of the next power of two. */
export function cacheCapacity(positions: number): number {
  return roundUp(positions, positions <= 256 ? 32 : powerOfTwo(positions) / 4);
}

/** Prompt lengths are compiled in steps of 8 up to 64, then of an eighth of the next power of two. */
export function promptTime(tokens: number): number {
  return roundUp(Math.max(1, tokens), tokens <= 64 ? 8 : powerOfTwo(tokens) / 8);
}
