// Which files this package reads. The rules: a file says its version; those before stay readable as they were, with a file of each in
// fixtures/ (made by fixtures/make-step.ts); one from the future is refused by name. What each version changed:
//
//   1  the first. Every column but the optional ones is there; the checksum is SHA-256.
//   2  columns that are filled after generation may be pending, so that a step can be stored before it is graded; the checksum is
//      CRC-32, which a core takes at 2 GB/s where SHA-256 gives 0.4; columns may be compressed.
//   3  the optional column top_k_mass.
//
// Upgrade of a 1 or a 2: nothing changes but the version, for all columns mean the same; writing it again gives a 3.
import { DataError } from "@longcot/errors";
import { ROLLOUT_COLUMNS, SCHEMA_VERSION } from "./column-table.ts";

const READABLE = ["1", "2", String(SCHEMA_VERSION)];

/** @throws DataError when files of `version` are not read. */
export function checkSchemaVersion(who: string, path: string, version: string | undefined): void {
  if (version === undefined || !READABLE.includes(version))
    throw new DataError({
      who,
      argument: path,
      expected: `a rollout file of schema version ${READABLE.join(", ")}`,
      received: version === undefined ? "no longcot.schema_version" : `version ${version}`,
      fix: "Read it with the version of this package that wrote it",
    });
}

/** Columns that a file of `version` must have. */
export function requiredColumns(version: string): string[] {
  return ROLLOUT_COLUMNS.filter(({ presence }) => presence === "required" || (version === "1" && presence === "pending")).map(
    ({ name }) => name,
  );
}
