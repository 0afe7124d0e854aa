// The work of `longcot score`.
import { NumericError } from "@longcot/errors";
import { readModelConfig, score } from "@longcot/language-model";
import type { RowsSummary } from "../cli/rows-command.ts";
import type { ScoreOptions } from "../cli/score.ts";
import { checkTokenIds } from "./check-token-ids.ts";
import { readRows } from "./jsonl-rows.ts";
import { scoreRow } from "./row-schemas.ts";
import { createRowsProgress } from "./rows-progress.ts";
import { withModel } from "./with-model.ts";
import { checkOutput, shortFloats, writeJsonl } from "./write-jsonl.ts";

/** Tokens of a batch, padding included, unless one sequence is longer. */
const BATCH_TOKENS = 16_384;
/** A batch's time is rounded up by less than this. */
const MOST_ROUNDING = 1.25;

/** Scores every row of `input` and writes `out` in its order. */
export async function scoreRows({ model: directory, input, out, temperature, engine, threads }: ScoreOptions): Promise<RowsSummary> {
  checkOutput(out);
  const rows = await readRows(input, scoreRow);
  const { vocabSize, maxPositionEmbeddings } = await readModelConfig(directory);
  for (const { line, row } of rows)
    checkTokenIds(row.input_ids, { path: input, line, argument: "input_ids", vocabSize, most: maxPositionEmbeddings });
  const sequences = rows.map(({ row }) => Int32Array.from(row.input_ids));
  const longest = sequences.reduce((most, { length }) => Math.max(most, length), 0);
  const progress = createRowsProgress("score");
  try {
    const { result: scores, engine: description } = await withModel({ directory, engine, threads }, (model) =>
      score(model, sequences, {
        temperature,
        batchTokens: Math.max(BATCH_TOKENS, Math.ceil(longest * MOST_ROUNDING)),
        onProgress: ({ done, total }) => progress.update({ done, total, text: `${done} of ${total} rows` }),
      }),
    );
    scores.forEach(({ logProbs, entropies }, i) => {
      if ([logProbs, entropies].some((values) => !values.every(Number.isFinite)))
        throw new NumericError({
          who: directory,
          argument: `score of ${input} line ${rows[i]!.line}`,
          expected: "finite",
          received: "NaN or infinity",
          fix: "The weights are damaged",
        });
    });
    const lines = rows.map(({ row: { id } }, i) => ({
      id,
      // Entry 0 is about the first token, which nothing predicts.
      log_probs: shortFloats(scores[i]!.logProbs.subarray(1)),
      entropies: shortFloats(scores[i]!.entropies.subarray(1)),
    }));
    return { rows_in: rows.length, rows_out: writeJsonl(out, lines), engine: description };
  } finally {
    progress.close();
  }
}
