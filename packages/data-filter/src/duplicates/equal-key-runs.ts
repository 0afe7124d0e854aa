// Rows that share a 32-bit key, found by sorting: no hash table of millions of entries.

/**
 * Calls `visit` with the rows (ascending) of each key that two or more of `rows` share. The view passed is only valid during the call.
 * @param rows row numbers, ascending.
 * @param keys one key per entry of `rows`.
 */
export function forEachRun(rows: Uint32Array, keys: Uint32Array, visit: (run: Uint32Array) => void): void {
  const order = radixOrder(keys);
  const sorted = order.map((place) => rows[place]!);
  for (let start = 0; start < sorted.length;) {
    const key = keys[order[start]!];
    let end = start + 1;
    while (end < sorted.length && keys[order[end]!] === key) end++;
    if (end - start > 1) visit(sorted.subarray(start, end));
    start = end;
  }
}

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/** The stable order that sorts `keys` ascending. */
function radixOrder(keys: Uint32Array): Uint32Array {
  let order = Uint32Array.from(keys.keys());
  let next = new Uint32Array(keys.length);
  for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
    const starts = new Uint32Array(DIGITS + 1);
    for (const place of order) starts[((keys[place]! >>> shift) & (DIGITS - 1)) + 1]!++;
    for (let digit = 0; digit < DIGITS; digit++) starts[digit + 1]! += starts[digit]!;
    for (const place of order) next[starts[(keys[place]! >>> shift) & (DIGITS - 1)]!++] = place;
    [order, next] = [next, order];
  }
  return order;
}
