// Which request sits in which slot of the cache: pure bookkeeping, no tensors.

/** Number of slots, capacities and prompt lengths come in steps, so that few sizes are ever compiled. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}

/** The least power of two that is at least `value`. */
export function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

/** Positions are compiled in steps of 32 up to 256, then in steps of a quarter of the next power of two. */
export function cacheCapacity(positions: number): number {
  return roundUp(positions, positions <= 256 ? 32 : powerOfTwo(positions) / 4);
}

/** Prompt lengths are compiled in steps of 8 up to 64, then of an eighth of the next power of two. */
export function promptTime(tokens: number): number {
  return roundUp(Math.max(1, tokens), tokens <= 64 ? 8 : powerOfTwo(tokens) / 8);
}
