// Which request sits in which slot of the cache: pure bookkeeping, no tensors.

/** Number of slots, capacities and prompt lengths come in steps, so that few sizes are ever compiled. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** The least power of two that is at least `value`. */
export function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

/** A cache opens with a multiple of so many slots, so that few sizes are compiled. */
export const SLOT_STEP = 4;
/** One slot is hardly faster than two: worth its own size only where the last response may go on alone for long. */
const LEAST_SLOTS = 2;
/** With longer responses than this, finer sizes save more time than they take to be compiled and moved to. */
const FINE_ABOVE_TOKENS = 128;

/**
 * Slots for `live` sequences: a power of two, or three quarters of one where responses of up to `maxNewTokens` leave one after the other over a long
 * time.
 */
export function slotsFor(live: number, maxNewTokens: number): number {
  const isLong = maxNewTokens > FINE_ABOVE_TOKENS;
  const whole = Math.max(isLong ? 1 : LEAST_SLOTS, powerOfTwo(live));
  return isLong && whole > 8 && live <= (whole * 3) / 4 ? (whole * 3) / 4 : whole;
}

/** Positions are compiled in steps of 32 up to 256, then in steps of a quarter of the next power of two. */
export function cacheCapacity(positions: number): number {
  return roundUp(positions, positions <= 256 ? 32 : powerOfTwo(positions) / 4);
}

/** Prompt lengths are compiled in steps of 8 up to 64, then of an eighth of the next power of two. */
export function promptTime(tokens: number): number {
  return roundUp(Math.max(1, tokens), tokens <= 64 ? 8 : powerOfTwo(tokens) / 8);
}

/** With larger weights every lane would read them from memory, and their products are large enough for several threads. */
const LANE_PARAMETERS = 16e6;
/** So many calls at once does the thread pool of Node take. */
const MOST_LANES = 4;
const LEAST_SLOTS_OF_A_LANE = 2;

/** Whether a model is so small that its sequences are better advanced some on each thread than all of them on all threads. */
export function fitsLanes(parameters: number): boolean {
  return parameters <= LANE_PARAMETERS;
}

/** Lanes for `atOnce` sequences, where there are threads enough. */
export function laneCount(atOnce: number): number {
  return Math.max(1, Math.min(MOST_LANES, Math.floor(atOnce / LEAST_SLOTS_OF_A_LANE)));
}
