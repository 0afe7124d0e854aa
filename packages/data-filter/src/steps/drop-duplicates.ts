// Problems that are there twice; the first of each stays.
import { gradeMath } from "@longcot/verifiers";
import { createDuplicateFinder, type DuplicateOptions } from "../duplicates/find-duplicates.ts";
import { forEachProblem, type FilterStep, type StepContext } from "./filter-step.ts";

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
      const conflicts = found.filter(({ kind }) => kind === "conflicting-answer").map(({ row, of }) => [rows[row]!, rows[of]!] as const);
      const agreeing = await sameInOtherWords(context, conflicts);
      return {
        dropped: found.map(({ row, of, kind, similarity }) => ({
          row: rows[row]!,
          of: rows[of]!,
          kind: agreeing.has(rows[row]!) ? "duplicate-normalised" : kind,
          detail: `repeats row ${rows[of]!}${kind === "near-duplicate" ? `, similarity ${similarity.toFixed(2)}` : ""}`,
        })),
      };
    },
  };
}

/** Of pairs whose answers differ as texts, the first rows of those that the verifier holds for equal: `5/6` and `\frac{5}{6}`. */
async function sameInOtherWords(context: StepContext, pairs: readonly (readonly [number, number])[]): Promise<Set<number>> {
  if (pairs.length === 0) return new Set();
  const wanted = [...new Set(pairs.flat())].join(", ");
  const truths = new Map((await context.query(`SELECT row, ground_truth FROM kept WHERE row IN (${wanted})`)) as [number, string][]);
  const isSame = ([row, of]: readonly [number, number]): boolean => {
    const answer = canonicalAnswer(truths.get(row)!).split("\n")[0]!;
    return gradeMath({ response: `\\boxed{${answer}}`, groundTruth: truths.get(of)! }).outcome === "correct";
  };
  return new Set(pairs.filter(isSame).map(([row]) => row));
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
