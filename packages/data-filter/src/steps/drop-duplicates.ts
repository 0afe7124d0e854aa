// Problems that are there twice; the first of each stays.
import { createDuplicateFinder, type DuplicateOptions } from "../duplicates/find-duplicates.ts";
import { forEachProblem, type FilterStep } from "./filter-step.ts";

/** Drops every problem that repeats an earlier one. See {@link createDuplicateFinder} for what counts as that. */
export function dropDuplicates(options: DuplicateOptions = {}): FilterStep {
  return {
    name: "duplicates",
    options,
    async run(context) {
      const finder = createDuplicateFinder(options);
      const rows: number[] = [];
      await forEachProblem(
        context,
        "duplicates",
        ["row", "statement", "groundTruth", "ability"],
        ({ row, statement, groundTruth, ability }) => {
          rows.push(row);
          // Two lists of tests for one task are no two answers: one of them is enough.
          finder.add(statement!, ability === "math" ? canonicalAnswer(groundTruth!) : undefined);
        },
      );
      const { onProgress, signal } = context;
      const found = await finder.find({ ...(onProgress === undefined ? {} : { onProgress }), ...(signal === undefined ? {} : { signal }) });
      return {
        dropped: found.map(({ row, of, kind, similarity }) => ({
          row: rows[row]!,
          of: rows[of]!,
          kind,
          detail: `repeats row ${rows[of]!}${kind === "near-duplicate" ? `, similarity ${similarity.toFixed(2)}` : ""}`,
        })),
      };
    },
  };
}

/** Accepted answers without what JSON and order add. */
function canonicalAnswer(groundTruth: string): string {
  try {
    const value: unknown = JSON.parse(groundTruth);
    if (Array.isArray(value)) return value.map(String).toSorted().join("\n");
  } catch {
    // Plain text.
  }
  return groundTruth;
}
