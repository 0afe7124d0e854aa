// The step of sealing that moves bytes: checked columns put in row order, in place, and trimmed to what they hold.
import { viewColumnValues, type ColumnStorage, type ColumnStorages } from "./column-storage.ts";
import { permuteElements, permuteLists, permuteOffsets } from "./row-order.ts";
import type { WriterColumns } from "./writer-columns.ts";

/**
 * Reorders every row in place to `order` [rows] (through the region's scratch column) and returns the columns trimmed to `rows` rows.
 * Aliasing: the result views `buffer`. `categories` holds each category's strings by the index its values use; the result's are
 * sorted and all used, so that nothing tells in which order they came.
 */
export function sealColumns(
  { storages, scratch }: WriterColumns,
  buffer: SharedArrayBuffer,
  order: Int32Array,
  categories: ReadonlyMap<string, readonly string[]>,
): ColumnStorages {
  const rows = order.length;
  const dictionaries = new Map(
    [...categories].map(([name, strings]) => [name, sortCategories(storages.get(name)!.values.subarray(0, rows) as Int32Array, strings)]),
  );
  if (order.some((row, i) => row !== i)) {
    for (const { column, values, offsets } of storages.values()) {
      const room = viewColumnValues(column, buffer, scratch.byteOffset, offsets === undefined ? rows : offsets[rows]!);
      if (offsets === undefined) permuteElements(values, order, room);
      else permuteLists(values, offsets, order, room);
    }
    for (const offsets of new Set([...storages.values()].flatMap((storage) => storage.offsets ?? []))) permuteOffsets(offsets, order);
  }
  const sealed = new Map<string, ColumnStorage>();
  for (const [name, { column, values, offsets }] of storages) {
    const dictionary = dictionaries.get(name);
    if (offsets !== undefined)
      sealed.set(name, {
        column,
        values: values.subarray(0, offsets[rows]!),
        offsets: offsets.subarray(0, rows + 1),
      });
    else if (dictionary !== undefined) sealed.set(name, { column, values: values.subarray(0, rows), categories: dictionary });
    else sealed.set(name, { column, values: values.subarray(0, rows) });
  }
  return sealed;
}

/** Renumbers `codes` in place so that they index the sorted, used strings, which it returns. */
function sortCategories(codes: Int32Array, strings: readonly string[]): readonly string[] {
  const used = new Set(codes);
  const sorted = strings.filter((_, code) => used.has(code)).toSorted();
  const renumbered = Int32Array.from(strings, (text) => sorted.indexOf(text));
  for (let row = 0; row < codes.length; row++) codes[row] = renumbered[codes[row]!]!;
  return sorted;
}
