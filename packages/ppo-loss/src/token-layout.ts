// Where the tokens of each row lie in flat token columns, and which of them are response tokens.
import { NumericError, ShapeError } from "@longcot/errors";

/**
 * Rows of tokens in flat columns. Ragged rows: Arrow's list offsets. Padded `[rows, time]` arrays: {@link paddedLayout}.
 * All token columns of a call share the length `offsets[rows]`.
 */
export interface TokenLayout {
  /** [rows + 1], ascending from 0: row r has the tokens `offsets[r]` to `offsets[r + 1] - 1`. */
  readonly offsets: ArrayLike<number>;
  /** [tokens], above 0 on response tokens. Absent: every token is one. */
  readonly mask?: ArrayLike<number> | undefined;
}

/** A checked {@link TokenLayout}. */
export interface TokenRows {
  readonly rowCount: number;
  readonly tokenCount: number;
  /** First token of a row and the one behind its last. */
  span(row: number): { from: number; to: number };
  isResponse(token: number): boolean;
  /** Response tokens of each row. */
  readonly lengths: Float64Array;
  /** Response tokens of all rows. */
  readonly responseTokens: number;
}

/** The layout of row-major `[rows, time]` arrays. */
export function paddedLayout(rows: number, time: number, mask?: ArrayLike<number>): TokenLayout {
  const offsets = Int32Array.from({ length: rows + 1 }, (_, row) => row * time);
  return mask === undefined ? { offsets } : { offsets, mask };
}

/** @throws ShapeError when offsets do not ascend from 0, or the mask has another length than the last offset. */
export function checkTokenLayout(who: string, { offsets, mask }: TokenLayout): TokenRows {
  const rowCount = offsets.length - 1;
  const ascending = rowCount >= 0 && offsets[0] === 0 && Array.from(offsets).every((offset, i) => i === 0 || offset >= offsets[i - 1]!);
  if (!ascending)
    throw new ShapeError({
      who,
      argument: "offsets",
      expected: "ascending from 0, one more than there are rows",
      received: `${offsets.length} values${rowCount < 0 ? "" : `, the first ${offsets[0]}`}`,
    });
  const tokenCount = offsets[rowCount]!;
  if (mask !== undefined) checkTokenCount(who, "mask", mask, tokenCount);
  const isResponse = (token: number): boolean => mask === undefined || mask[token]! > 0;
  const lengths = new Float64Array(rowCount);
  let responseTokens = 0;
  for (let row = 0; row < rowCount; row++) {
    for (let token = offsets[row]!; token < offsets[row + 1]!; token++) if (isResponse(token)) lengths[row]!++;
    responseTokens += lengths[row]!;
  }
  return { rowCount, tokenCount, span: (row) => ({ from: offsets[row]!, to: offsets[row + 1]! }), isResponse, lengths, responseTokens };
}

/** Throws a ShapeError unless `values` has one entry per token. */
export function checkTokenCount(who: string, argument: string, values: ArrayLike<unknown>, tokenCount: number): void {
  if (values.length !== tokenCount)
    throw new ShapeError({ who, argument, expected: `one value per token (${tokenCount})`, received: `${values.length} values` });
}

/** Throws a NumericError naming the first response token whose value is not finite; other tokens may hold anything. */
export function checkFiniteTokens(who: string, argument: string, values: ArrayLike<number>, rows: TokenRows): void {
  checkTokenCount(who, argument, values, rows.tokenCount);
  for (let token = 0; token < rows.tokenCount; token++) {
    if (rows.isResponse(token) && !Number.isFinite(values[token]))
      throw new NumericError({ who, argument: `${argument}[${token}]`, expected: "a finite number", received: String(values[token]) });
  }
}

/** Response tokens of each row: entries of `mask` above 0, or all tokens without one. @throws ShapeError as {@link checkTokenLayout}. */
export function responseLengths(layout: TokenLayout): Float64Array {
  return checkTokenLayout("responseLengths", layout).lengths;
}
