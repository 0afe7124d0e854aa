// The work of `longcot tokenize`.
import { isLongcotError } from "@longcot/errors";
import { loadTokenizer } from "@longcot/language-model";
import type { Tokenizer } from "@longcot/language-model";
import type { ModelFilesOptions, RowsSummary } from "../cli/rows-command.ts";
import { readRows, rowError } from "./jsonl-rows.ts";
import { tokenizeRow } from "./row-schemas.ts";
import type { TokenizeRow } from "./row-schemas.ts";
import { checkOutput, writeJsonl } from "./write-jsonl.ts";

/** A text, or a conversation with the assistant's turn opened, as tokens; special tokens only where the text spells them. */
export function encodeRow(
  tokenizer: Tokenizer,
  { text, messages }: Pick<TokenizeRow, "text" | "messages">,
  where: { path: string; line: number },
): { ids: Int32Array; rendered?: string } {
  try {
    if (text !== undefined) return { ids: tokenizer.encode(text) };
    const rendered = tokenizer.renderChat(messages as NonNullable<typeof messages>, { addGenerationPrompt: true });
    return { ids: tokenizer.encode(rendered), rendered };
  } catch (error) {
    if (!isLongcotError(error)) throw error;
    const { expected, received } = error;
    throw rowError(where.path, where.line, { argument: text === undefined ? "messages" : "text", expected, received });
  }
}

/** Encodes every row of `input` and writes `out` in its order. */
export async function tokenizeRows({ model: directory, input, out }: ModelFilesOptions): Promise<RowsSummary> {
  checkOutput(out);
  const rows = await readRows(input, tokenizeRow);
  const tokenizer = await loadTokenizer(directory);
  const lines = rows.map(({ line, row }) => {
    const { ids, rendered } = encodeRow(tokenizer, row, { path: input, line });
    return { id: row.id, ids: [...ids], ...(rendered === undefined ? {} : { text: rendered }) };
  });
  return { rows_in: rows.length, rows_out: writeJsonl(out, lines) };
}
