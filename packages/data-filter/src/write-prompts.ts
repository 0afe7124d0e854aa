// Problems and conversations to files that verl, TRL and pyarrow read.
import { inferFieldType, MESSAGES, STRING, type FieldType } from "./parquet-fields.ts";
import type { Conversation, PromptRow } from "./prompt-row.ts";
import { writeRows, type WrittenColumn } from "./write-rows.ts";

const REWARD_MODEL: FieldType = {
  kind: "struct",
  fields: [
    ["style", STRING],
    ["ground_truth", STRING],
  ],
};

/**
 * Writes problems in verl's row schema: `data_source`, `prompt`, `ability`, `reward_model` {style: "rule", ground_truth}, and
 * `extra_info`, typed by what the rows hold. When no row has an `extra_info.index`, each gets its position.
 * The file appears whole or not at all.
 * @throws DataError for an extension other than .parquet and .jsonl, or no rows; ConfigError when `extraInfo` mixes types in a field.
 */
export async function writePrompts(path: string, rows: readonly PromptRow[]): Promise<void> {
  await writeRows(path, [
    { name: "data_source", type: STRING, values: rows.map((row) => row.dataSource) },
    { name: "prompt", type: MESSAGES, values: rows.map((row) => row.messages) },
    { name: "ability", type: STRING, values: rows.map((row) => row.ability) },
    {
      name: "reward_model",
      type: REWARD_MODEL,
      values: rows.map((row) => ({ style: "rule", ground_truth: row.groundTruth })),
    },
    extraInfoColumn(rows),
  ]);
}

/** Writes conversations as columns `messages`, `data_source` and `extra_info`. @throws as {@link writePrompts}. */
export async function writeConversations(path: string, rows: readonly Conversation[]): Promise<void> {
  await writeRows(path, [
    { name: "messages", type: MESSAGES, values: rows.map((row) => row.messages) },
    { name: "data_source", type: STRING, values: rows.map((row) => row.dataSource ?? null) },
    extraInfoColumn(rows),
  ]);
}

function extraInfoColumn(rows: readonly { readonly extraInfo: Readonly<Record<string, unknown>> }[]): WrittenColumn {
  const indexed = rows.some((row) => row.extraInfo["index"] !== undefined && row.extraInfo["index"] !== null);
  const values = rows.map((row, i) => (indexed ? row.extraInfo : { ...row.extraInfo, index: i }));
  return { name: "extra_info", type: inferFieldType(values, "extra_info"), values };
}
