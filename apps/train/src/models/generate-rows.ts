// The work of `longcot generate`.
import { checkTokenizerFits, generate, loadTokenizer, readModelConfig } from "@longcot/language-model";
import type { Decoding, ModelConfig, Tokenizer } from "@longcot/language-model";
import type { GenerateOptions } from "../cli/generate.ts";
import { DEFAULT_MAX_NEW_TOKENS } from "../cli/generate.ts";
import type { RowsSummary } from "../cli/rows-command.ts";
import { compactCount } from "../progress/figures.ts";
import { checkTokenIds } from "./check-token-ids.ts";
import { readRows, rowError } from "./jsonl-rows.ts";
import type { InputRow } from "./jsonl-rows.ts";
import { generateRow } from "./row-schemas.ts";
import type { GenerateRow } from "./row-schemas.ts";
import { createRowsProgress } from "./rows-progress.ts";
import { encodeRow } from "./tokenize-rows.ts";
import { withModel } from "./with-model.ts";
import { checkOutput, shortFloats, writeJsonl } from "./write-jsonl.ts";

const MOST_SEQUENCES_AT_ONCE = 256;
/** Share of the free memory that keys and values may take; moving to a longer cache holds two for a moment. */
const CACHE_MEMORY_SHARE = 1 / 6;

/** Continues every row of `input` `n` times and writes `out` by row, then sample. */
export async function generateRows(options: GenerateOptions): Promise<RowsSummary> {
  const { model: directory, input, out, n, seed, engine, threads } = options;
  checkOutput(out);
  const rows = await readRows(input, generateRow);
  const config = await readModelConfig(directory);
  const tokenizer = await loadTokenizer(directory);
  checkTokenizerFits(config, tokenizer);
  const prompts = rows.map((row) => promptOf(row, { path: input, tokenizer, config }));
  const longest = prompts.reduce((most, { length }) => Math.max(most, length), 0);
  const maxNewTokens = options.maxNewTokens ?? Math.min(DEFAULT_MAX_NEW_TOKENS, config.maxPositionEmbeddings - longest);
  for (const [i, { line }] of rows.entries()) {
    const room = config.maxPositionEmbeddings - prompts[i]!.length;
    if (maxNewTokens > room)
      throw rowError(input, line, {
        argument: "--max-new-tokens",
        expected: `at most ${room}, since this prompt has ${prompts[i]!.length} of the model's ${config.maxPositionEmbeddings} positions`,
        received: String(maxNewTokens),
      });
  }
  const requests = prompts.flatMap((promptTokens, prompt) => Array.from({ length: n }, (_, sample) => ({ promptTokens, prompt, sample })));
  const progress = createRowsProgress("generate");
  const start = performance.now();
  try {
    const { result: responses, engine: description } = await withModel({ directory, engine, threads }, (model) =>
      generate(model, requests, {
        decoding: decodingOf(options),
        maxNewTokens,
        seed,
        step: 0,
        maxSlots: sequencesAtOnce(config, longest + maxNewTokens),
        onProgress: ({ finished, total, tokens }) => {
          const speed = tokens / ((performance.now() - start) / 1000);
          // Responses end early or run to the cap: whichever says that more is done is nearer the truth.
          const share = Math.max(finished / total, tokens / (total * maxNewTokens));
          progress.update({
            done: share,
            total: 1,
            text: `${finished} of ${total} responses, ${compactCount(tokens)} tokens, ${compactCount(speed)} tokens/s`,
          });
        },
      }),
    );
    const lines = responses.map(({ tokens, logProbs, finishReason }, i) => ({
      id: rows[requests[i]!.prompt]!.row.id,
      sample: requests[i]!.sample,
      output_ids: [...tokens],
      text: tokenizer.decode(tokens, { skipSpecialTokens: true }),
      log_probs: shortFloats(logProbs),
      finish_reason: finishReason,
    }));
    return { rows_in: rows.length, rows_out: writeJsonl(out, lines), engine: description };
  } finally {
    progress.close();
  }
}

/** A row's prompt as tokens, with room for at least one more. */
function promptOf(
  { line, row }: InputRow<GenerateRow>,
  { path, tokenizer, config }: { path: string; tokenizer: Tokenizer; config: ModelConfig },
): Int32Array {
  const argument = row.input_ids !== undefined ? "input_ids" : row.prompt !== undefined ? "prompt" : "messages";
  const ids =
    row.input_ids !== undefined
      ? Int32Array.from(row.input_ids)
      : encodeRow(tokenizer, { text: row.prompt, messages: row.messages }, { path, line }).ids;
  if (ids.length === 0) throw rowError(path, line, { argument, expected: "at least one token", received: "none" });
  checkTokenIds(ids, { path, line, argument, vocabSize: config.vocabSize, most: config.maxPositionEmbeddings - 1 });
  return ids;
}

function decodingOf({ greedy, temperature, topP, topK = 0 }: GenerateOptions): Decoding {
  return greedy ? { kind: "greedy" } : { kind: "sample", temperature, topP, topK };
}

/** How many sequences of `positions` tokens have room for their keys and values. */
function sequencesAtOnce({ layers, keyValueHeads, headDim }: ModelConfig, positions: number): number {
  const bytes = positions * layers * 2 * keyValueHeads * headDim * Float32Array.BYTES_PER_ELEMENT;
  return Math.max(1, Math.min(MOST_SEQUENCES_AT_ONCE, Math.floor((process.availableMemory() * CACHE_MEMORY_SHARE) / bytes)));
}
