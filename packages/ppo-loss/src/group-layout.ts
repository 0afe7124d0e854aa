// Which rows of a batch belong to one prompt: given as an id per row, or as a constant group size.
import { ConfigError, ShapeError } from "@longcot/errors";

/**
 * Either `groups`, an integer id per row (rows of one group need not be neighbours), or `groupSize`, for a batch
 * whose rows `[i*groupSize, (i+1)*groupSize)` form group `i`.
 */
export type GroupLayout =
  | { readonly groups: ArrayLike<number>; readonly groupSize?: undefined }
  | { readonly groupSize: number; readonly groups?: undefined };

/** A checked {@link GroupLayout}. */
export interface RowGroups {
  /** Id of each group, in order of first appearance. */
  readonly ids: Int32Array;
  /** Rows of each group, ascending; `rows[i]` belongs to `ids[i]`. */
  readonly rows: readonly (readonly number[])[];
}

/**
 * Returns the groups of `rowCount` rows.
 *
 * @throws ShapeError when `groups` has another length than the batch, or `groupSize` does not divide it.
 * @throws ConfigError when an id is not a 32-bit integer or `groupSize` not a positive one.
 */
export function checkGroupLayout(who: string, layout: GroupLayout, rowCount: number): RowGroups {
  if (layout.groups === undefined) return consecutiveGroups(who, layout.groupSize, rowCount);
  const { groups } = layout;
  if (groups.length !== rowCount) {
    throw new ShapeError({
      who,
      argument: "groups",
      expected: `one id per row (${rowCount})`,
      received: `${groups.length} ids`,
    });
  }
  const rowsOfId = new Map<number, number[]>();
  for (let row = 0; row < rowCount; row++) {
    const id = groups[row]!;
    if ((id | 0) !== id)
      throw new ConfigError({
        who,
        argument: `groups[${row}]`,
        expected: "a 32-bit integer",
        received: String(id),
      });
    const rows = rowsOfId.get(id);
    if (rows === undefined) rowsOfId.set(id, [row]);
    else rows.push(row);
  }
  return { ids: Int32Array.from(rowsOfId.keys()), rows: [...rowsOfId.values()] };
}

function consecutiveGroups(who: string, groupSize: number, rowCount: number): RowGroups {
  if (!Number.isInteger(groupSize) || groupSize < 1) {
    throw new ConfigError({
      who,
      argument: "groupSize",
      expected: "a positive integer",
      received: String(groupSize),
    });
  }
  if (rowCount % groupSize !== 0) {
    throw new ShapeError({
      who,
      argument: "groupSize",
      expected: `a divisor of the ${rowCount} rows`,
      received: String(groupSize),
      fix: "Pass groups, an id per row, when groups have different sizes",
    });
  }
  const count = rowCount / groupSize;
  return {
    ids: Int32Array.from({ length: count }, (_, group) => group),
    rows: Array.from({ length: count }, (_, group) => Array.from({ length: groupSize }, (_unused, j) => group * groupSize + j)),
  };
}
