// The work of `longcot grade`.
import { createVerifierPool, isJudged } from "@longcot/verifiers";
import type { MathPolicy, VerifyRequest } from "@longcot/verifiers";
import type { GradeOptions } from "../cli/grade.ts";
import type { RowsSummary } from "../cli/rows-command.ts";
import { readRows } from "./jsonl-rows.ts";
import { gradeRow } from "./row-schemas.ts";
import { createRowsProgress } from "./rows-progress.ts";
import { checkOutput, writeJsonl } from "./write-jsonl.ts";

/** Grades every row of `input` and writes `out` in its order. */
export async function gradeRows(options: GradeOptions): Promise<RowsSummary> {
  const { input, out, jobs, isolation, reward, cpuTime, memory, tolerance, layout, thinking, rewardFunction, signature } = options;
  checkOutput(out);
  const rows = await readRows(input, gradeRow);
  // A ground truth of the wrong type passes as it is: the pool grades it invalid_ground_truth.
  const requests = rows.map(({ line, row }): VerifyRequest => ({
    id: String(line),
    ability: row.ability,
    response: row.response,
    groundTruth: row.ground_truth as string,
    ...(row.data_source === undefined ? {} : { dataSource: row.data_source }),
    ...(row.prompt === undefined ? {} : { prompt: row.prompt as { role: string; content: string }[] }),
    ...(row.extra_info === undefined ? {} : { extraInfo: row.extra_info }),
  }));
  const progress = createRowsProgress("grade");
  const pool = createVerifierPool({
    ...(jobs === undefined ? {} : { jobs }),
    ...(isolation === undefined ? {} : { isolation }),
    ...(rewardFunction === undefined ? {} : { rewardFunction: { path: rewardFunction, signature } }),
    math: mathPolicy(options),
    code: {
      ...(layout === undefined ? {} : { layout }),
      // Programs are never looked for inside of the thinking.
      ...(thinking === undefined || thinking === "ignored" ? {} : { thinking }),
      ...(reward === undefined ? {} : { reward }),
      ...(tolerance === undefined ? {} : { floatTolerance: tolerance }),
      ...(memory === undefined ? {} : { memoryMib: memory }),
      ...(cpuTime === undefined ? {} : { cpuTimeS: cpuTime, wallTimeS: WALL_PER_CPU * cpuTime }),
    },
  });
  try {
    if (rewardFunction === undefined && requests.some(({ ability }) => ability === "code")) {
      const { level, reasons } = await pool.isolation();
      process.stderr.write(`grade: programs run at isolation "${level}"${reasons.length === 0 ? "" : ` (${reasons.join("; ")})`}\n`);
    }
    const results = await pool.grade(requests, {
      onProgress: ({ done, total }) => progress.update({ done, total, text: `${done} of ${total} rows` }),
    });
    const lines = results.map(({ score, outcome, extracted, passed, total, detail }, i) => ({
      id: rows[i]!.row.id,
      score,
      outcome,
      ...(extracted === undefined ? {} : { extracted }),
      ...(total === undefined ? {} : { passed, total }),
      ...(detail === undefined ? {} : { detail }),
    }));
    const unjudged = results.filter((result) => !isJudged(result)).length;
    if (unjudged > 0)
      process.stderr.write(
        `grade: ${unjudged} of ${results.length} rows say nothing about their response (crash or invalid_ground_truth)\n`,
      );
    return { rows_in: rows.length, rows_out: writeJsonl(out, lines) };
  } finally {
    await pool.close();
    progress.close();
  }
}

/** What the flags say of conventions; the rest is the grader's default. */
function mathPolicy({
  thinking,
  bareAnswer,
  percent,
  decimalPlaces,
  units,
  symbolCase,
  logBase,
  tupleAsSet,
}: GradeOptions): Partial<MathPolicy> {
  return {
    ...(thinking === undefined ? {} : { thinking }),
    ...(bareAnswer === undefined ? {} : { bareAnswer }),
    ...(percent === undefined ? {} : { percent }),
    ...(decimalPlaces === undefined ? {} : { decimalPlaces }),
    ...(units === undefined ? {} : { units }),
    ...(symbolCase === undefined ? {} : { symbolCase }),
    ...(logBase === undefined ? {} : { logBase: logBase === "e" ? "e" : 10 }),
    ...(tupleAsSet === undefined ? {} : { tupleAsSet }),
  };
}

/** Wall time allowed for each second of processor time: on a loaded machine a right answer takes longer, and must not be late for it. */
const WALL_PER_CPU = 3;
