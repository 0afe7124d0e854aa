// What must hold before a step is sealed: every required cell filled, every float finite. Row numbers in messages are the writer's.
import { DataError, NumericError } from "@longcot/errors";
import type { ColumnStorages } from "./column-storage.ts";

/** "row 3 (prompt_id 7, sample_index 1)". */
export function nameRow(storages: ColumnStorages, row: number): string {
  return `row ${row} (prompt_id ${storages.get("prompt_id")!.values[row]}, sample_index ${storages.get("sample_index")!.values[row]})`;
}

/** @throws DataError naming the first row and column that nobody set. `filled` holds one byte a row for each settable column. */
export function checkFilled(who: string, storages: ColumnStorages, filled: ReadonlyMap<string, Uint8Array>, rows: number): void {
  for (const [name, flags] of filled) {
    const row = flags.subarray(0, rows).indexOf(0);
    if (row >= 0)
      throw new DataError({
        who,
        argument: `column ${name}`,
        expected: "set in every row",
        received: `nothing in ${nameRow(storages, row)}`,
      });
  }
}

/** @throws NumericError naming the first row and column with a NaN or an infinity. */
export function checkFinite(who: string, storages: ColumnStorages, rows: number): void {
  for (const { column, values, offsets } of storages.values()) {
    if (column.dtype !== "float32") continue;
    const end = offsets === undefined ? rows : offsets[rows]!;
    for (let i = 0; i < end; i++) {
      if (Number.isFinite(values[i])) continue;
      let row = i;
      if (offsets !== undefined) for (row = 0; offsets[row + 1]! <= i;) row++;
      const where = offsets === undefined ? "" : ` at token ${i - offsets[row]!}`;
      throw new NumericError({
        who,
        argument: `column ${column.name}`,
        expected: "finite everywhere",
        received: `${values[i]} in ${nameRow(storages, row)}${where}`,
      });
    }
  }
}
