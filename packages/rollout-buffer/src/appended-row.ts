// What a finished response must be before it becomes a row.
import { DataError, ShapeError } from "@longcot/errors";

/** Largest value of the int32 columns. */
export const LARGEST_INT32 = 0x7fffffff;

/** Why generation ended. */
export const FINISH_REASONS = ["stop", "length", "abort"] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

/** A finished response. Every array is copied in; its length is in tokens. */
export interface AppendedRow {
  promptId: number;
  sampleIndex: number;
  stage: number;
  weightVersion: number;
  dataSource: string;
  finishReason: FinishReason;
  /** At least one token. */
  promptTokens: Int32Array;
  /** May be empty. */
  responseTokens: Int32Array;
  /** [responseTokens.length], nats. */
  rolloutLogProbs: Float32Array;
  /** [responseTokens.length], 0 or 1. Absent: the policy chose every token (all 1). */
  responseMask?: Uint8Array;
  /** Given exactly when the step carries the optional column `level`. */
  level?: number;
}

/** @throws DataError or ShapeError naming the field of `row` that cannot be stored. `carriesLevel`: the step has the column `level`. */
export function checkAppendedRow(who: string, row: AppendedRow, carriesLevel: boolean): void {
  const { promptTokens, responseTokens, rolloutLogProbs, responseMask } = row;
  checkClass(who, "promptTokens", promptTokens, Int32Array);
  checkClass(who, "responseTokens", responseTokens, Int32Array);
  checkClass(who, "rolloutLogProbs", rolloutLogProbs, Float32Array);
  if (promptTokens.length === 0)
    throw new ShapeError({
      who,
      argument: "promptTokens",
      expected: "at least one token",
      received: "none",
    });
  checkLength(who, "rolloutLogProbs", rolloutLogProbs.length, responseTokens.length);
  if (responseMask !== undefined) {
    checkClass(who, "responseMask", responseMask, Uint8Array);
    checkLength(who, "responseMask", responseMask.length, responseTokens.length);
    const other = responseMask.find((bit) => bit > 1);
    if (other !== undefined)
      throw new DataError({
        who,
        argument: "responseMask",
        expected: "0 or 1 everywhere",
        received: String(other),
      });
  }
  for (const name of ["promptId", "sampleIndex", "stage", "weightVersion"] as const) checkIndex(who, name, row[name]);
  if (!FINISH_REASONS.includes(row.finishReason))
    throw new DataError({
      who,
      argument: "finishReason",
      expected: `one of ${FINISH_REASONS.join(", ")}`,
      received: String(row.finishReason),
    });
  checkName(who, "dataSource", row.dataSource);
  if (carriesLevel !== (row.level !== undefined)) {
    const expected = carriesLevel ? "a number in every row" : "left out: the step does not carry the column";
    throw new DataError({
      who,
      argument: "level",
      expected,
      received: String(row.level),
      fix: 'The writer\'s "optional" decides for the whole step',
    });
  }
  if (row.level !== undefined) checkIndex(who, "level", row.level);
}

function checkIndex(who: string, argument: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > LARGEST_INT32)
    throw new DataError({
      who,
      argument,
      expected: "a whole number from 0 to 2147483647",
      received: String(value),
    });
}

/** @throws ShapeError unless `array` is an `expected`: Arrow and set() would reinterpret or convert another class silently. */
export function checkClass(
  who: string,
  argument: string,
  array: unknown,
  expected: Int32ArrayConstructor | Float32ArrayConstructor | Uint8ArrayConstructor,
): void {
  if (!(array instanceof expected))
    throw new ShapeError({
      who,
      argument,
      expected: expected.name,
      received: array === null || typeof array !== "object" ? typeof array : array.constructor.name,
    });
}

/** @throws ShapeError when a list is not as long as its row's response. */
export function checkLength(who: string, argument: string, received: number, expected: number): void {
  if (received !== expected)
    throw new ShapeError({
      who,
      argument,
      expected: `${expected} long, as the row's response`,
      received: String(received),
    });
}

/** @throws DataError unless `value` can stand in a Utf8 dictionary and be told apart from nothing. */
export function checkName(who: string, argument: string, value: unknown): void {
  if (typeof value !== "string" || value === "" || !value.isWellFormed())
    throw new DataError({
      who,
      argument,
      expected: "a non-empty string",
      received: typeof value === "string" ? JSON.stringify(value) : typeof value,
    });
}
