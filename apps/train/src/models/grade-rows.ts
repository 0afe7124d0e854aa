// The work of `longcot grade`.
import { createVerifierPool } from "@longcot/verifiers";
import type { VerifyRequest, VerifyResult } from "@longcot/verifiers";
import type { GradeOptions } from "../cli/grade.ts";
import type { RowsSummary } from "../cli/rows-command.ts";
import { readRows, rowError } from "./jsonl-rows.ts";
import { gradeRow } from "./row-schemas.ts";
import { createRowsProgress } from "./rows-progress.ts";
import { checkOutput, writeJsonl } from "./write-jsonl.ts";

/** Rows handed to the pool at a time: enough to keep it busy, few enough to show progress. */
const ROWS_AT_ONCE = 2_048;

/** Grades every row of `input` and writes `out` in its order. */
export async function gradeRows({ input, out, jobs }: GradeOptions): Promise<RowsSummary> {
  checkOutput(out);
  const rows = await readRows(input, gradeRow);
  const requests = rows.map(({ line, row }): VerifyRequest => {
    if (row.ability === "code")
      throw rowError(input, line, {
        argument: "ability",
        expected: '"math"',
        received: '"code", which has no grader yet',
        fix: "Leave code rows out",
      });
    // A ground truth that is no text passes as it is: the pool grades it invalid_ground_truth.
    return { id: String(line), ability: row.ability, response: row.response, groundTruth: row.ground_truth as string };
  });
  const progress = createRowsProgress("grade");
  const results: VerifyResult[] = [];
  const pool = createVerifierPool(jobs === undefined ? {} : { jobs });
  try {
    for (let from = 0; from < requests.length; from += ROWS_AT_ONCE) {
      results.push(...(await pool.grade(requests.slice(from, from + ROWS_AT_ONCE))));
      progress.update({ done: results.length, total: rows.length, text: `${results.length} of ${rows.length} rows` });
    }
  } finally {
    await pool.close();
    progress.close();
  }
  const lines = results.map(({ score, outcome, extracted }, i) => ({
    id: rows[i]!.row.id,
    score,
    outcome,
    ...(extracted === undefined ? {} : { extracted }),
  }));
  return { rows_in: rows.length, rows_out: writeJsonl(out, lines) };
}
