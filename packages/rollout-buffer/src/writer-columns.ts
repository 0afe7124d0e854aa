// Where a step's columns lie in the arena while it is being written: one region, per-token columns of one length over shared offsets.
import type { Arena, ArenaRegion, ColumnRequest } from "./arena.ts";
import { bytesPerElement, viewColumnValues, type ColumnStorage, type ColumnStorages } from "./column-storage.ts";
import { ROLLOUT_COLUMNS, type OptionalColumn, type RolloutColumn } from "./column-table.ts";

/** How much a step may hold, and which optional columns it carries. */
export interface StepCapacity {
  /** Responses. */
  rows: number;
  /** Prompt tokens of all rows together. */
  promptTokens: number;
  /** Response tokens of all rows together. */
  responseTokens: number;
  /** Optional columns that every row will have; the others are absent whole. */
  optional?: readonly OptionalColumn[];
}

/** A step's memory at full capacity. */
export interface WriterColumns {
  readonly region: ArenaRegion;
  readonly storages: ColumnStorages;
  /** As many bytes as the widest column: seal reorders through it. */
  readonly scratch: { readonly byteOffset: number };
}

/** Elements that `column` may come to hold. */
export function columnCapacity(column: RolloutColumn, capacity: StepCapacity): number {
  switch (column.sharesLength) {
    case "rows":
      return capacity.rows;
    case "prompt":
      return capacity.promptTokens;
    case "response":
      return capacity.responseTokens;
  }
}

/**
 * Bytes that a step of this capacity takes of an arena, to plan `budgetBytes` before anything runs.
 * Capacities are whole numbers ({@link StepCapacity}).
 */
export function stepByteLength(capacity: StepCapacity): number {
  return layoutStep(capacity).requests.reduce((sum, { byteLength }) => sum + Math.ceil(byteLength / 64) * 64, 0);
}

function layoutStep(capacity: StepCapacity): {
  columns: RolloutColumn[];
  requests: ColumnRequest[];
} {
  const wanted = new Set<string>(capacity.optional);
  const columns: RolloutColumn[] = ROLLOUT_COLUMNS.filter((column) => column.presence === "required" || wanted.has(column.name));
  const requests: ColumnRequest[] = columns.map((column) => ({
    column: column.name,
    byteLength: columnCapacity(column, capacity) * bytesPerElement(column),
  }));
  const widest = Math.max(...requests.map((request) => request.byteLength));
  for (const column of ["(prompt offsets)", "(response offsets)"]) requests.push({ column, byteLength: (capacity.rows + 1) * 4 });
  requests.push({ column: "(seal scratch)", byteLength: widest });
  return { columns, requests };
}

/** Takes a step's memory from `arena`; offsets start at 0. @throws ConfigError naming the column that would not fit. */
export function allocateWriterColumns(arena: Arena, capacity: StepCapacity): WriterColumns {
  const { columns, requests } = layoutStep(capacity);
  const region = arena.allocate(requests);
  const at = (i: number): number => region.byteOffsets[i]!;
  const promptOffsets = new Int32Array(arena.buffer, at(columns.length), capacity.rows + 1);
  const responseOffsets = new Int32Array(arena.buffer, at(columns.length + 1), capacity.rows + 1);
  promptOffsets[0] = 0;
  responseOffsets[0] = 0;
  const storages = new Map<string, ColumnStorage>();
  columns.forEach((column, i) => {
    const values = viewColumnValues(column, arena.buffer, at(i), columnCapacity(column, capacity));
    if (column.kind !== "per-token") storages.set(column.name, { column, values });
    else
      storages.set(column.name, {
        column,
        values,
        offsets: column.sharesLength === "prompt" ? promptOffsets : responseOffsets,
      });
  });
  return { region, storages, scratch: { byteOffset: at(columns.length + 2) } };
}
