// Columns that lie anywhere, copied into an arena: what was unpacked from a compressed file.
import type { Arena, ArenaRegion } from "./arena.ts";
import { viewColumnValues, type ColumnStorage, type ColumnStorages } from "./column-storage.ts";

/** Copies of the columns in one new region. @throws ConfigError naming the column that does not fit; nothing is taken then. */
export function placeColumns(arena: Arena, storages: ColumnStorages): { storages: ColumnStorages; region: ArenaRegion } {
  const columns = [...storages.values()];
  const region = arena.allocate(
    columns.flatMap(({ column: { name }, values, offsets }) => [
      { column: name, byteLength: values.byteLength },
      { column: `(offsets of ${name})`, byteLength: offsets?.byteLength ?? 0 },
    ]),
  );
  const placed = new Map<string, ColumnStorage>();
  columns.forEach((storage, i) => {
    const [at, offsetsAt] = [region.spans[2 * i]!, region.spans[2 * i + 1]!];
    const values = viewColumnValues(storage.column, at.buffer, at.byteOffset, storage.values.length);
    values.set(storage.values);
    if (storage.offsets === undefined) placed.set(storage.column.name, { ...storage, values });
    else {
      const offsets = new Int32Array(offsetsAt.buffer, offsetsAt.byteOffset, storage.offsets.length);
      offsets.set(storage.offsets);
      placed.set(storage.column.name, { ...storage, values, offsets });
    }
  });
  return { storages: placed, region };
}
