// How an unsealed row lies in memory. Its entry in the writer's table has one word for each number and two for each string; its lists
// lie side by side in a slab, each at a multiple of 64 bytes. Both follow from the column table.
import { COLUMN_ALIGNMENT_BYTES, roundUp, type ColumnRequest } from "./arena.ts";
import { bytesPerElement } from "./column-storage.ts";
import { ROLLOUT_COLUMNS, type RolloutColumn } from "./column-table.ts";

/** Words that every entry begins with. STATE is stored last, through Atomics: a row whose STATE is {@link READY} is whole. */
export const STATE = 0;
export const READY = 1;
/** One bit for each column that is set after appending, raised through Atomics after the cell's bytes. */
export const FILLED = 1;
export const SLAB = 2;
export const PROMPT_LENGTH = 3;
export const RESPONSE_LENGTH = 4;
const FIRST_CELL = 5;

/** Word of each per-row column and category (whose second word, the byte length, follows) within an entry. */
export const CELL_WORDS: ReadonlyMap<string, number> = placeCells();
/** Words of an entry: a multiple of 16, so that no two rows share a cache line. */
export const ENTRY_WORDS = roundUp(
  FIRST_CELL + ROLLOUT_COLUMNS.reduce((sum, column) => sum + (column.kind === "per-token" ? 0 : 2), 0),
  COLUMN_ALIGNMENT_BYTES / 4,
);
/** Bit of each column that is set after appending. */
export const FILLED_BITS: ReadonlyMap<string, number> = new Map(
  ROLLOUT_COLUMNS.filter((column) => column.filledBy === "set").map((column, i) => [column.name, 1 << i]),
);

function placeCells(): Map<string, number> {
  const words = new Map<string, number>();
  let next = FIRST_CELL;
  for (const { name, kind, filledBy } of ROLLOUT_COLUMNS as readonly RolloutColumn[]) {
    if (kind === "per-token" || filledBy === "seal") continue;
    words.set(name, next);
    next += kind === "category" ? 2 : 1;
  }
  return words;
}

/** The per-token columns of a step and where each begins in a slab. */
export class SlabLayout {
  readonly columns: readonly RolloutColumn[];

  constructor(columns: readonly RolloutColumn[]) {
    this.columns = columns.filter((column) => column.kind === "per-token");
  }

  /** Bytes of a slab. */
  byteLength(promptLength: number, responseLength: number): number {
    let end = 0;
    for (const column of this.columns) end = roundUp(end + listBytes(column, promptLength, responseLength), COLUMN_ALIGNMENT_BYTES);
    return end;
  }

  /** Bytes before `name`. */
  byteOffset(name: string, promptLength: number, responseLength: number): number {
    let end = 0;
    for (const column of this.columns) {
      if (column.name === name) break;
      end = roundUp(end + listBytes(column, promptLength, responseLength), COLUMN_ALIGNMENT_BYTES);
    }
    return end;
  }

  /** What a slab asks of the arena, column by column. */
  requests(promptLength: number, responseLength: number): ColumnRequest[] {
    return this.columns.map((column) => ({ column: column.name, byteLength: listBytes(column, promptLength, responseLength) }));
  }
}

/** Elements of a row's list. */
export function listLength({ sharesLength }: RolloutColumn, promptLength: number, responseLength: number): number {
  return sharesLength === "prompt" ? promptLength : responseLength;
}

function listBytes(column: RolloutColumn, promptLength: number, responseLength: number): number {
  return listLength(column, promptLength, responseLength) * bytesPerElement(column);
}
