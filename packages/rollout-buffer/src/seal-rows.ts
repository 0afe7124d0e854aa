// What sealing does: checks that every cell is there and every float finite, then gathers the rows, sorted, into one column each.
import { DataError, NumericError } from "@longcot/errors";
import { COLUMN_ALIGNMENT_BYTES, type Arena, type ArenaRegion, type ColumnRequest } from "./arena.ts";
import { bytesPerElement, viewColumnValues, type ColumnStorage, type ColumnStorages, type ColumnValues } from "./column-storage.ts";
import type { RolloutColumn } from "./column-table.ts";
import { CELL_WORDS, FILLED, FILLED_BITS, PROMPT_LENGTH, RESPONSE_LENGTH } from "./row-layout.ts";
import type { WriterRows } from "./writer-rows.ts";

/** Row numbers sorted by (prompt_id, sample_index): int32 [rows], newly allocated. */
export function copyRowOrder(rows: WriterRows, length: number): Int32Array<ArrayBuffer> {
  const order = new Int32Array(length).map((_, row) => row);
  const promptIds = order.map((row) => rows.word(row, CELL_WORDS.get("prompt_id")!));
  const sampleIndices = order.map((row) => rows.word(row, CELL_WORDS.get("sample_index")!));
  return order.sort((a, b) => promptIds[a]! - promptIds[b]! || sampleIndices[a]! - sampleIndices[b]!);
}

/** @throws DataError when two neighbours of the sorted `order` have the same (prompt_id, sample_index). */
export function checkUniqueRows(who: string, rows: WriterRows, order: Int32Array): void {
  const key = (i: number): string => keyOf(rows, order[i]!).join(", ");
  for (let i = 1; i < order.length; i++) {
    const [promptId, sampleIndex] = keyOf(rows, order[i]!);
    const [promptBefore, sampleBefore] = keyOf(rows, order[i - 1]!);
    if (promptId === promptBefore && sampleIndex === sampleBefore) {
      const pair = [order[i]!, order[i - 1]!].toSorted((a, b) => a - b);
      throw new DataError({
        who,
        argument: "columns prompt_id, sample_index",
        expected: "a pair that no other row has",
        received: `(${key(i)}) in rows ${pair.join(" and ")}`,
      });
    }
  }
}

function keyOf(rows: WriterRows, row: number): [promptId: number, sampleIndex: number] {
  return [rows.word(row, CELL_WORDS.get("prompt_id")!), rows.word(row, CELL_WORDS.get("sample_index")!)];
}

/** "row 3 (prompt_id 7, sample_index 1)". */
function nameRow(rows: WriterRows, row: number): string {
  const [promptId, sampleIndex] = keyOf(rows, row);
  return `row ${row} (prompt_id ${promptId}, sample_index ${sampleIndex})`;
}

/** @throws DataError naming the first of the rows `from` to `length` and the column that nobody set, or that was set though `pending`. */
export function checkFilled(
  who: string,
  rows: WriterRows,
  length: number,
  columns: readonly RolloutColumn[],
  pending: readonly string[],
  from = 0,
): void {
  for (const { name, filledBy } of columns) {
    if (filledBy !== "set") continue;
    const bit = FILLED_BITS.get(name)!;
    const isPending = pending.includes(name);
    for (let row = from; row < length; row++) {
      const isFilled = (rows.atomicWord(row, FILLED) & bit) !== 0;
      if (isFilled === isPending)
        throw new DataError({
          who,
          argument: `column ${name}`,
          expected: isPending ? "set in no row, as it is pending" : "set in every row",
          received: `${isPending ? "a value" : "nothing"} in ${nameRow(rows, row)}`,
        });
    }
  }
}

/**
 * The rows in `order` as columns in one new region of `arena`, each at a multiple of 64.
 *
 * @throws NumericError naming the first row and column with a NaN or an infinity; ConfigError naming the column that does not fit.
 * Nothing is taken then.
 */
export function sealRows(
  who: string,
  arena: Arena,
  rows: WriterRows,
  columns: readonly RolloutColumn[],
  order: Int32Array,
  step: number,
): { storages: ColumnStorages; region: ArenaRegion } {
  const length = order.length;
  const promptOffsets = offsetsOf(order, (row) => rows.word(row, PROMPT_LENGTH));
  const responseOffsets = offsetsOf(order, (row) => rows.word(row, RESPONSE_LENGTH));
  const region = arena.allocate(columnRequests(columns, length, promptOffsets[length]!, responseOffsets[length]!));
  try {
    const placed = [promptOffsets, responseOffsets].map((offsets, i) => {
      const { buffer, byteOffset } = region.spans[columns.length + i]!;
      const shared = new Int32Array(buffer, byteOffset, offsets.length);
      shared.set(offsets);
      return shared;
    });
    const storages = new Map<string, ColumnStorage>();
    columns.forEach((column, i) => {
      const { buffer, byteOffset } = region.spans[i]!;
      const offsets = column.kind === "per-token" ? placed[column.sharesLength === "prompt" ? 0 : 1]! : undefined;
      const values = viewColumnValues(column, buffer, byteOffset, offsets === undefined ? length : offsets[length]!);
      storages.set(column.name, gather(who, rows, order, step, { column, values, ...(offsets === undefined ? {} : { offsets }) }));
    });
    return { storages, region };
  } catch (error) {
    region.free();
    throw error;
  }
}

/** What a sealed step asks of the arena: its columns, then the offsets of prompts and of responses. */
export function columnRequests(
  columns: readonly RolloutColumn[],
  rows: number,
  promptTokens: number,
  responseTokens: number,
): ColumnRequest[] {
  const lengths = { rows, prompt: promptTokens, response: responseTokens };
  return [
    ...columns.map((column) => ({ column: column.name, byteLength: lengths[column.sharesLength] * bytesPerElement(column) })),
    ...["(prompt offsets)", "(response offsets)"].map((column) => ({ column, byteLength: (rows + 1) * 4 })),
  ];
}

function offsetsOf(order: Int32Array, lengthOf: (row: number) => number): Int32Array {
  const offsets = new Int32Array(order.length + 1);
  order.forEach((row, i) => {
    offsets[i + 1] = offsets[i]! + lengthOf(row);
  });
  return offsets;
}

function gather(who: string, rows: WriterRows, order: Int32Array, step: number, storage: ColumnStorage): ColumnStorage {
  const { column, values, offsets } = storage;
  if (column.filledBy === "seal") values.fill(step);
  else if (column.kind === "category") return gatherCategory(rows, order, storage);
  else if (column.kind === "per-row") order.forEach((row, i) => (values[i] = rows.cell(row, column)));
  else order.forEach((row, i) => values.set(rows.viewList(row, column), offsets![i]!));
  if (column.dtype === "float32") checkFinite(who, rows, order, storage);
  return storage;
}

/** The codes index the sorted, used strings: nothing tells in which order they came. */
function gatherCategory(rows: WriterRows, order: Int32Array, { column, values }: ColumnStorage): ColumnStorage {
  const word = CELL_WORDS.get(column.name)!;
  const texts = new Map<number, string>();
  for (const row of order) {
    const address = rows.word(row, word);
    if (!texts.has(address)) texts.set(address, rows.text(row, column));
  }
  const categories = [...new Set(texts.values())].toSorted();
  const codes = new Map([...texts].map(([address, text]) => [address, categories.indexOf(text)]));
  order.forEach((row, i) => (values[i] = codes.get(rows.word(row, word))!));
  return { column, values, categories };
}

const EXPONENT = 0x7f800000;

/** @throws NumericError naming the first row and column with a NaN or an infinity. */
function checkFinite(who: string, rows: WriterRows, order: Int32Array, { column, values, offsets }: ColumnStorage): void {
  const at = findNonFinite(new Int32Array(values.buffer, values.byteOffset, values.length));
  if (at < 0) return;
  let place = at;
  if (offsets !== undefined) for (place = 0; offsets[place + 1]! <= at;) place++;
  const where = offsets === undefined ? "" : ` at token ${at - offsets[place]!}`;
  throw new NumericError({
    who,
    argument: `column ${column.name}`,
    expected: "finite everywhere",
    received: `${(values as ColumnValues)[at]} in ${nameRow(rows, order[place]!)}${where}`,
  });
}

/** Index of the first float32 whose exponent is all ones, given its bits; −1 when there is none. */
function findNonFinite(bits: Int32Array): number {
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & EXPONENT) === EXPONENT) return i;
  return -1;
}

/** Bytes that the sealed columns and their gaps take. */
export function regionByteLength(requests: readonly ColumnRequest[]): number {
  return requests.reduce((sum, { byteLength }) => sum + Math.ceil(byteLength / COLUMN_ALIGNMENT_BYTES) * COLUMN_ALIGNMENT_BYTES, 0);
}
