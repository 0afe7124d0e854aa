// Many statements as token hashes in flat memory outside of the JavaScript heap.
import { tokenizeInto } from "./statement-tokens.ts";

/** Statements in the order in which they were added. */
export interface StatementTable {
  readonly rows: number;
  /** Adds the tokens of a statement that was folded. */
  add(statement: string): void;
  /** Token hashes of a row, a view that the next `add` may leave behind. */
  viewTokens(row: number): Uint32Array;
}

const FIRST_TOKENS = 1 << 16;
const FIRST_ROWS = 1 << 10;

export function createStatementTable(): StatementTable {
  let tokens = new Uint32Array(FIRST_TOKENS);
  let ends = new Float64Array(FIRST_ROWS);
  let rows = 0;
  return {
    get rows() {
      return rows;
    },
    add(statement) {
      const start = rows === 0 ? 0 : ends[rows - 1]!;
      tokens = roomFor(tokens, start + statement.length);
      ends = roomFor(ends, rows + 1);
      ends[rows] = start + tokenizeInto(tokens, start, statement);
      rows++;
    },
    viewTokens(row) {
      return tokens.subarray(row === 0 ? 0 : ends[row - 1]!, ends[row]!);
    },
  };
}

/** `array`, or its content in one half as large again, when `length` values do not fit. */
function roomFor<T extends Uint32Array | Float64Array>(array: T, length: number): T {
  if (length <= array.length) return array;
  const grown = new (array.constructor as new (length: number) => T)(Math.max(length, Math.ceil(array.length * 1.5)));
  grown.set(array);
  return grown;
}
