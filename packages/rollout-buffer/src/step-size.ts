// How much of an arena a step takes, to plan its budget before anything runs.
import { COLUMN_ALIGNMENT_BYTES, roundUp } from "./arena.ts";
import { PAGE_BYTES } from "./arena-pages.ts";
import { ROLLOUT_COLUMNS, type OptionalColumn, type RolloutColumn } from "./column-table.ts";
import { ENTRY_WORDS } from "./row-layout.ts";
import { columnRequests, regionByteLength } from "./seal-rows.ts";

/** How much a step may come to hold. */
export interface StepCapacity {
  /** Responses. */
  rows: number;
  /** Prompt tokens of all rows together. */
  promptTokens: number;
  /** Response tokens of all rows together. */
  responseTokens: number;
  optional?: readonly OptionalColumn[];
}

/** Bytes that a sealed step of this size takes, in whole pages. Whole numbers only. */
export function sealedByteLength(capacity: StepCapacity): number {
  const requests = columnRequests(columnsOf(capacity), capacity.rows, capacity.promptTokens, capacity.responseTokens);
  return roundUp(regionByteLength(requests), PAGE_BYTES);
}

/**
 * Bytes that suffice to write and seal a step of this size by `threads` threads in an otherwise empty arena: while sealing, the rows as
 * they came and the sorted columns are there together. An upper bound, about three times {@link sealedByteLength}; whole numbers only.
 */
export function stepByteLength(capacity: StepCapacity, threads = 1): number {
  const columns = columnsOf(capacity);
  const lists = columns.filter((column) => column.kind === "per-token").length;
  const sealed = sealedByteLength(capacity);
  // Each list begins at a multiple of 64; the table of rows doubles, each thread may make a chunk; strings take 64 bytes each.
  const entries = capacity.rows * (4 * ENTRY_WORDS * 4 * threads + (lists + 3) * COLUMN_ALIGNMENT_BYTES);
  // A block's rest is left when the next slab does not fit, at most as much as was written; a thread's last block may be empty.
  return sealed + roundUp(2 * (sealed + entries), PAGE_BYTES) + threads * (4 * 2 ** 20 + 4 * PAGE_BYTES);
}

function columnsOf({ optional = [] }: StepCapacity): RolloutColumn[] {
  return ROLLOUT_COLUMNS.filter(({ name, presence }) => presence !== "optional" || (optional as readonly string[]).includes(name));
}
