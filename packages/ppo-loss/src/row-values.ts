// Checks on per-row columns, done once at the edge of every function that takes them.
import { NumericError, ShapeError } from "@longcot/errors";

/** Throws a ShapeError unless `values` has one entry per row. */
export function checkRowCount(who: string, argument: string, values: ArrayLike<unknown>, rowCount: number): void {
  if (values.length !== rowCount) {
    throw new ShapeError({
      who,
      argument,
      expected: `one value per row (${rowCount})`,
      received: `${values.length} values`,
    });
  }
}

/** Throws a NumericError naming the first row whose value is not finite. */
export function checkFinite(who: string, argument: string, values: ArrayLike<number>): void {
  for (let row = 0; row < values.length; row++) {
    if (!Number.isFinite(values[row])) {
      throw new NumericError({
        who,
        argument: `${argument}[${row}]`,
        expected: "a finite number",
        received: String(values[row]),
      });
    }
  }
}
