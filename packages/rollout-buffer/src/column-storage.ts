// A column's bytes while a step is being written or read: numbers, the offsets that cut them into rows, the strings that they index.
import type { RolloutColumn } from "./column-table.ts";

/** Every class of array that a column's numbers may have. */
export type ColumnValues = Int32Array<ArrayBufferLike> | Float32Array<ArrayBufferLike> | Uint8Array<ArrayBufferLike>;

/** One column. `values[offsets[row] .. offsets[row + 1])` is a row of a per-token column; `categories[values[row]]` of a category. */
export interface ColumnStorage {
  readonly column: RolloutColumn;
  readonly values: ColumnValues;
  /** int32 [rows + 1], starting at 0; only per-token columns; columns that share a length may share the array. */
  readonly offsets?: Int32Array<ArrayBufferLike>;
  /** Only categories. */
  readonly categories?: readonly string[];
}

/** Columns by name, in the table's order. */
export type ColumnStorages = ReadonlyMap<string, ColumnStorage>;

/** A typed array of the column's dtype over `length` elements of `buffer` at `byteOffset`. */
export function viewColumnValues(column: RolloutColumn, buffer: ArrayBufferLike, byteOffset: number, length: number): ColumnValues {
  switch (column.dtype) {
    case "int32":
    case "utf8":
      return new Int32Array(buffer, byteOffset, length);
    case "float32":
      return new Float32Array(buffer, byteOffset, length);
    case "uint8":
      return new Uint8Array(buffer, byteOffset, length);
  }
}

/** Bytes of one element: what the dtype takes, or an int32 index for a category. */
export function bytesPerElement(column: RolloutColumn): number {
  return column.dtype === "uint8" ? 1 : 4;
}
