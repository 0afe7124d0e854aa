// Token columns of a step that are not in its rollouts, moved from the order of the answers to that of the sealed rows.

/** `offsets[r]` is the first of row r's entries in a flat column of rows of these lengths. */
export function offsetsOf(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1);
  lengths.forEach((length, row) => (offsets[row + 1] = offsets[row]! + length));
  return offsets;
}

/** Lists as one flat column. */
export function endToEnd(lists: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let place = 0;
  for (const list of lists) {
    values.set(list, place);
    place += list.length;
  }
  return values;
}

/** A flat column whose rows are taken in another `order`. */
export function inOrder(values: Float32Array, offsets: Int32Array, order: Iterable<number>): Float32Array {
  return endToEnd(Array.from(order, (row) => values.subarray(offsets[row], offsets[row + 1])));
}
