// A step in an arena in words: where each column lies, for a thread that has the same arena.
import type { Arena } from "./arena.ts";
import { viewColumnValues, type ColumnStorage, type ColumnStorages } from "./column-storage.ts";
import { findColumn } from "./column-table.ts";
import type { RolloutMetadata } from "./rollout-metadata.ts";

/** An array: which segment, which byte, how many elements. */
type Place = readonly [segment: number, byteOffset: number, length: number];

/** Everything that {@link viewDescribed} needs, as plain JSON. */
export interface StepDescription {
  readonly metadata: RolloutMetadata;
  readonly columns: readonly { name: string; values: Place; offsets?: Place; categories?: readonly string[] }[];
}

/** The description of columns that lie in `arena`. */
export function describeStorages(arena: Arena, storages: ColumnStorages, metadata: RolloutMetadata): StepDescription {
  const place = ({ buffer, byteOffset, length }: ColumnStorage["values"]): Place => [
    arena.segments.indexOf(buffer as SharedArrayBuffer),
    byteOffset,
    length,
  ];
  return {
    metadata,
    columns: [...storages].map(([name, { values, offsets, categories }]) => ({
      name,
      values: place(values),
      ...(offsets === undefined ? {} : { offsets: place(offsets) }),
      ...(categories === undefined ? {} : { categories }),
    })),
  };
}

/** The columns of a description, as views. */
export function viewDescribed(
  arena: Arena,
  { metadata, columns }: StepDescription,
): { storages: ColumnStorages; metadata: RolloutMetadata } {
  const storages = new Map<string, ColumnStorage>();
  for (const { name, values, offsets, categories } of columns) {
    const column = findColumn(name)!;
    storages.set(name, {
      column,
      values: viewColumnValues(column, arena.segments[values[0]]!, values[1], values[2]),
      ...(offsets === undefined ? {} : { offsets: new Int32Array(arena.segments[offsets[0]]!, offsets[1], offsets[2]) }),
      ...(categories === undefined ? {} : { categories }),
    });
  }
  return { storages, metadata };
}
