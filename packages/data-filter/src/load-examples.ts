// Examples for supervised fine-tuning, as TRL reads them: `messages`, or `prompt` and `completion`.
import { loadRows } from "./load-rows.ts";
import type { OnInvalidRow } from "./load-prompts.ts";
import type { Message, RejectedRow } from "./prompt-row.ts";
import { checkExtraInfo, checkMessages, checkText, describe, levelOf, RowFault, type RawRow } from "./row-fields.ts";

/** One example: a conversation whose last message is the assistant's and is what is learnt, or a prompt and its completion as plain text. */
export type SupervisedExample = {
  /** As `PromptRow.promptId`. */
  readonly exampleId: string;
  /** Column `data_source`; absent when the file has none. */
  readonly dataSource?: string;
  readonly extraInfo: Readonly<Record<string, unknown>>;
  readonly level?: number;
} & ExampleContent;

type ExampleContent =
  | { readonly messages: readonly Message[]; readonly prompt?: never }
  | { readonly prompt: string; readonly completion: string; readonly messages?: never };

/**
 * The examples of one or more parquet or JSONL files, in file order. A row needs `messages`, two or more, the last one the assistant's; or
 * `prompt` and `completion`, both texts or both lists of messages. `data_source` and `extra_info` may be absent or null.
 * @throws DataError as `loadPrompts`.
 */
export function loadExamples(
  paths: string | readonly string[],
  options: { readonly onInvalid: "reject" },
): Promise<{ rows: SupervisedExample[]; rejected: RejectedRow[] }>;
export function loadExamples(paths: string | readonly string[], options?: { readonly onInvalid?: "error" }): Promise<SupervisedExample[]>;
export async function loadExamples(
  paths: string | readonly string[],
  { onInvalid = "error" }: OnInvalidRow = {},
): Promise<SupervisedExample[] | { rows: SupervisedExample[]; rejected: RejectedRow[] }> {
  const loaded = await loadRows("loadExamples", paths, { required: [], onInvalid, check: checkExample });
  const rows = loaded.rows.map(({ id, checked }): SupervisedExample => ({ exampleId: id, ...checked }));
  return onInvalid === "reject" ? { rows, rejected: loaded.rejected } : rows;
}

function checkExample(row: RawRow) {
  const dataSource = row["data_source"];
  const extraInfo = checkExtraInfo(row["extra_info"]);
  const source = dataSource === undefined || dataSource === null ? {} : { dataSource: checkText(dataSource, "data_source") };
  return { ...contentOf(row), ...source, extraInfo, ...levelOf(extraInfo) };
}

function contentOf(row: RawRow): ExampleContent {
  const { messages, prompt, completion } = row;
  if (messages !== undefined && messages !== null) return { messages: checkMessages(messages, "messages", "assistant", 2) };
  if (completion === undefined || completion === null)
    throw new RowFault("messages", "messages, or prompt and completion", Object.keys(row).join(", ") || "no columns");
  if (typeof prompt === "string" && typeof completion === "string")
    return { prompt: checkText(prompt, "prompt"), completion: checkText(completion, "completion") };
  if (!Array.isArray(prompt) || !Array.isArray(completion))
    throw new RowFault("prompt, completion", "both texts or both lists of messages", `${describe(prompt)} and ${describe(completion)}`);
  return { messages: [...checkMessages(prompt, "prompt", "user", 1), ...checkMessages(completion, "completion", "assistant", 1)] };
}
