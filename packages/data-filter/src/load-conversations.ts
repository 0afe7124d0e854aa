// Conversations for supervised fine-tuning: column `messages`, as TRL and verl read it.
import { loadRows } from "./load-rows.ts";
import type { OnInvalidRow } from "./load-prompts.ts";
import type { Conversation, RejectedRow } from "./prompt-row.ts";
import { checkExtraInfo, checkMessages, checkText, levelOf, type RawRow } from "./row-fields.ts";

/** Name of the column that holds the messages; default `messages`. */
export interface ConversationColumns {
  readonly messagesKey?: string;
}

/**
 * The conversations of one or more parquet or JSONL files, in file order. A row needs its messages, two or more, the last one the
 * assistant's; `data_source` and `extra_info` may be absent or null.
 * @throws DataError as `loadPrompts`.
 */
export function loadConversations(
  paths: string | readonly string[],
  options: ConversationColumns & { readonly onInvalid: "reject" },
): Promise<{ rows: Conversation[]; rejected: RejectedRow[] }>;
export function loadConversations(
  paths: string | readonly string[],
  options?: ConversationColumns & { readonly onInvalid?: "error" },
): Promise<Conversation[]>;
export async function loadConversations(
  paths: string | readonly string[],
  options: ConversationColumns & OnInvalidRow = {},
): Promise<Conversation[] | { rows: Conversation[]; rejected: RejectedRow[] }> {
  const { messagesKey = "messages", onInvalid = "error" } = options;
  const loaded = await loadRows("loadConversations", paths, {
    required: [messagesKey],
    onInvalid,
    check: (row) => checkConversation(row, messagesKey),
  });
  const rows = loaded.rows.map(({ id, checked }): Conversation => ({
    conversationId: id,
    ...checked,
  }));
  return onInvalid === "reject" ? { rows, rejected: loaded.rejected } : rows;
}

function checkConversation(row: RawRow, messagesKey: string): Omit<Conversation, "conversationId"> {
  const messages = checkMessages(row[messagesKey], messagesKey, "assistant", 2);
  const dataSource = row["data_source"];
  const extraInfo = checkExtraInfo(row["extra_info"]);
  const source = dataSource === undefined || dataSource === null ? {} : { dataSource: checkText(dataSource, "data_source") };
  return { messages, ...source, extraInfo, ...levelOf(extraInfo) };
}
