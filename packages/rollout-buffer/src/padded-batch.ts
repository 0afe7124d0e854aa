// Ragged columns laid out as the rectangles that a train step takes. Dims: batch = chosen rows, time = timeSteps. Padding is on the right.
import { ShapeError } from "@longcot/errors";
import type { PerTokenColumn, RolloutColumn, ValuesOf } from "./column-table.ts";

/** How a per-token column becomes a rectangle. */
export interface PaddedOptions {
  /** Width of the result; a longer row is an error, never cut. */
  timeSteps: number;
  /** Value of every position that no element takes. */
  pad: number;
  /**
   * `row`: a row's first element is at time 0. `sequence`: a response's element is where its token is in
   * {@link SequenceBatch.inputIds}, so response columns line up with the inputs.
   */
  start?: "row" | "sequence";
}

/** Prompts and responses one after the other, padded on the right. */
export interface SequenceBatch {
  /** [batch, time] prompt tokens, response tokens, then padding. */
  inputIds: Int32Array<ArrayBuffer>;
  /** [batch, time] the response mask at the response's positions, 0 on prompt and padding. */
  responseMask: Float32Array<ArrayBuffer>;
  /** [batch] tokens of prompt and response together, in tokens: all before it is real, all after it padding. */
  sequenceLengths: Int32Array<ArrayBuffer>;
  /** [batch] tokens of the prompt: where the response starts. */
  promptLengths: Int32Array<ArrayBuffer>;
}

/** @throws ShapeError unless every entry of `rows` is a row number below `length`. */
export function checkRows(who: string, rows: ArrayLike<number>, length: number): void {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (!Number.isInteger(row) || row < 0 || row >= length) {
      throw new ShapeError({
        who,
        argument: `rows[${i}]`,
        expected: `a row number from 0 to ${length - 1}`,
        received: String(row),
      });
    }
  }
}

function checkTimeSteps(who: string, timeSteps: number): void {
  if (!Number.isSafeInteger(timeSteps) || timeSteps < 0) {
    throw new ShapeError({
      who,
      argument: "timeSteps",
      expected: "a whole number of tokens",
      received: String(timeSteps),
    });
  }
}

function checkFits(who: string, column: string, row: number, needed: number, timeSteps: number): void {
  if (needed > timeSteps) {
    throw new ShapeError({
      who,
      argument: "timeSteps",
      expected: `at least ${needed}, for ${column} of row ${row}`,
      received: String(timeSteps),
      fix: "Rows are never cut: widen the batch",
    });
  }
}

/** A row's list of a column. */
export type ViewList = (row: number, column: PerTokenColumn) => ValuesOf<PerTokenColumn>;

/** The rows of `column` as [batch, time]: int32 for an int32 column, float32 for float32 and the mask. Checked arguments only. */
export function copyPaddedRows(
  who: string,
  { name, dtype, sharesLength }: RolloutColumn,
  viewList: ViewList,
  rows: ArrayLike<number>,
  options: PaddedOptions,
): Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
  const { timeSteps, pad, start = "row" } = options;
  checkTimeSteps(who, timeSteps);
  if (start === "sequence" && sharesLength !== "response") {
    throw new ShapeError({
      who,
      argument: "start",
      expected: '"row" for a column that is not the response\'s',
      received: `"sequence" for ${name}`,
    });
  }
  const lists = Array.from(rows, (row) => viewList(row, name as PerTokenColumn));
  const starts = Array.from(rows, (row) => (start === "sequence" ? viewList(row, "prompt_tokens").length : 0));
  lists.forEach((list, i) => checkFits(who, name, rows[i]!, starts[i]! + list.length, timeSteps));
  const out = dtype === "int32" ? new Int32Array(rows.length * timeSteps) : new Float32Array(rows.length * timeSteps);
  if (pad !== 0) out.fill(pad);
  lists.forEach((list, i) => out.set(list, i * timeSteps + starts[i]!));
  return out;
}

/** Prompt and response of each row side by side. Checked arguments only. */
export function copySequenceRows(
  who: string,
  viewList: ViewList,
  rows: ArrayLike<number>,
  { timeSteps, padToken }: { timeSteps: number; padToken: number },
): SequenceBatch {
  checkTimeSteps(who, timeSteps);
  const batch: SequenceBatch = {
    inputIds: new Int32Array(rows.length * timeSteps).fill(padToken),
    responseMask: new Float32Array(rows.length * timeSteps),
    sequenceLengths: new Int32Array(rows.length),
    promptLengths: new Int32Array(rows.length),
  };
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const [prompt, response] = [viewList(row, "prompt_tokens"), viewList(row, "response_tokens")];
    const length = prompt.length + response.length;
    checkFits(who, "prompt_tokens and response_tokens", row, length, timeSteps);
    batch.promptLengths[i] = prompt.length;
    batch.sequenceLengths[i] = length;
    batch.inputIds.set(prompt, i * timeSteps);
    batch.inputIds.set(response, i * timeSteps + prompt.length);
    batch.responseMask.set(viewList(row, "response_mask"), i * timeSteps + prompt.length);
  }
  return batch;
}
