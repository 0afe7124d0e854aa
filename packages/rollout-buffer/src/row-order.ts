// The order that makes completion time irrelevant: rows by (prompt_id, sample_index).
import { DataError } from "@longcot/errors";

/** Row numbers sorted by (prompt_id, sample_index): int32 [rows], newly allocated. */
export function copySortedRows(promptIds: Int32Array, sampleIndices: Int32Array): Int32Array<ArrayBuffer> {
  return Int32Array.from(promptIds, (_, row) => row).sort((a, b) => promptIds[a]! - promptIds[b]! || sampleIndices[a]! - sampleIndices[b]!);
}

/** @throws DataError when two neighbours of the sorted `order` have the same (prompt_id, sample_index). */
export function checkUniqueRows(who: string, order: Int32Array, promptIds: Int32Array, sampleIndices: Int32Array): void {
  for (let i = 1; i < order.length; i++) {
    const [row, before] = [order[i]!, order[i - 1]!];
    if (promptIds[row] === promptIds[before] && sampleIndices[row] === sampleIndices[before]) {
      throw new DataError({
        who,
        argument: "columns prompt_id, sample_index",
        expected: "a pair that no other row has",
        received: `(${promptIds[row]}, ${sampleIndices[row]}) in rows ${Math.min(row, before)} and ${Math.max(row, before)}`,
      });
    }
  }
}

/** Reorders `values` in place so that element i becomes the former element `order[i]`; `scratch` holds at least as many. */
export function permuteElements<T extends Int32Array | Float32Array | Uint8Array>(values: T, order: Int32Array, scratch: T): void {
  for (let i = 0; i < order.length; i++) scratch[i] = values[order[i]!]!;
  values.set(scratch.subarray(0, order.length));
}

/** Reorders the rows `values[offsets[row] .. offsets[row + 1])` in place; leaves `offsets` as they were. */
export function permuteLists<T extends Int32Array | Float32Array | Uint8Array>(
  values: T,
  offsets: Int32Array,
  order: Int32Array,
  scratch: T,
): void {
  let end = 0;
  for (const row of order) {
    const list = values.subarray(offsets[row]!, offsets[row + 1]!);
    scratch.set(list, end);
    end += list.length;
  }
  values.set(scratch.subarray(0, end));
}

/** Replaces `offsets` in place by those of the lists in `order`. */
export function permuteOffsets(offsets: Int32Array, order: Int32Array): void {
  const before = offsets.slice();
  order.forEach((row, i) => {
    offsets[i + 1] = offsets[i]! + before[row + 1]! - before[row]!;
  });
}
