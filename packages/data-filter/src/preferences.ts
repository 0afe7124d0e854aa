// Preference pairs, as TRL reads them: `prompt`, `chosen`, `rejected`, each a list of messages.
import { loadRows } from "./load-rows.ts";
import type { OnInvalidRow } from "./load-prompts.ts";
import { inferFieldType, MESSAGES, STRING } from "./parquet-fields.ts";
import type { Message, RejectedRow } from "./prompt-row.ts";
import { checkExtraInfo, checkMessages, checkText, describe, levelOf, RowFault, type RawRow } from "./row-fields.ts";
import { writeRows } from "./write-rows.ts";

/** Two answers to one prompt, of which one is better. */
export interface PreferencePair {
  /** As `PromptRow.promptId`. */
  readonly pairId: string;
  /** At least one message; the last is the user's. */
  readonly prompt: readonly Message[];
  readonly chosen: string;
  readonly rejected: string;
  /** By how much the chosen answer is better, column `margin`; absent: not said. */
  readonly margin?: number;
  /** Column `data_source`; absent when the file has none. */
  readonly dataSource?: string;
  readonly extraInfo: Readonly<Record<string, unknown>>;
  readonly level?: number;
}

/**
 * The pairs of one or more parquet or JSONL files, in file order. A row needs `prompt` (a text, or messages whose last one is the user's), `chosen` and
 * `rejected` (texts, or lists of one message of the assistant's); `margin`, `data_source` and `extra_info` may be absent or null.
 * @throws DataError as `loadPrompts`.
 */
export function loadPreferences(
  paths: string | readonly string[],
  options: { readonly onInvalid: "reject" },
): Promise<{ rows: PreferencePair[]; rejected: RejectedRow[] }>;
export function loadPreferences(paths: string | readonly string[], options?: { readonly onInvalid?: "error" }): Promise<PreferencePair[]>;
export async function loadPreferences(
  paths: string | readonly string[],
  { onInvalid = "error" }: OnInvalidRow = {},
): Promise<PreferencePair[] | { rows: PreferencePair[]; rejected: RejectedRow[] }> {
  const loaded = await loadRows("loadPreferences", paths, { required: ["prompt", "chosen", "rejected"], onInvalid, check: checkPair });
  const rows = loaded.rows.map(({ id, checked }): PreferencePair => ({ pairId: id, ...checked }));
  return onInvalid === "reject" ? { rows, rejected: loaded.rejected } : rows;
}

/** Writes pairs as columns `prompt`, `chosen`, `rejected`, `data_source` and `extra_info`. @throws as `writePrompts`. */
export async function writePreferences(path: string, pairs: readonly Omit<PreferencePair, "pairId" | "level">[]): Promise<void> {
  const answers = (side: "chosen" | "rejected") => pairs.map((pair) => [{ role: "assistant", content: pair[side] }]);
  const margins = pairs.map(({ margin }) => margin ?? null);
  await writeRows(path, [
    { name: "prompt", type: MESSAGES, values: pairs.map(({ prompt }) => prompt) },
    { name: "chosen", type: MESSAGES, values: answers("chosen") },
    { name: "rejected", type: MESSAGES, values: answers("rejected") },
    ...(margins.every((margin) => margin === null) ? [] : [{ name: "margin", type: { kind: "double" } as const, values: margins }]),
    { name: "data_source", type: STRING, values: pairs.map(({ dataSource }) => dataSource ?? null) },
    {
      name: "extra_info",
      type: inferFieldType(
        pairs.map(({ extraInfo }) => extraInfo),
        "extra_info",
      ),
      values: pairs.map(({ extraInfo }) => extraInfo),
    },
  ]);
}

function checkPair(row: RawRow): Omit<PreferencePair, "pairId"> {
  const { prompt, chosen, rejected, margin, data_source: dataSource } = row;
  const extraInfo = checkExtraInfo(row["extra_info"]);
  if (margin !== undefined && margin !== null && !(typeof margin === "number" && Number.isFinite(margin)))
    throw new RowFault("margin", "a finite number", describe(margin));
  return {
    prompt:
      typeof prompt === "string" ? [{ role: "user", content: checkText(prompt, "prompt") }] : checkMessages(prompt, "prompt", "user", 1),
    chosen: answerOf(chosen, "chosen"),
    rejected: answerOf(rejected, "rejected"),
    ...(typeof margin === "number" ? { margin } : {}),
    ...(dataSource === undefined || dataSource === null ? {} : { dataSource: checkText(dataSource, "data_source") }),
    extraInfo,
    ...levelOf(extraInfo),
  };
}

function answerOf(value: unknown, column: string): string {
  if (typeof value === "string") return checkText(value, column);
  const messages = checkMessages(value, column, "assistant", 1);
  if (messages.length > 1)
    throw new RowFault(column, "one message of the assistant's, the rest of the conversation in prompt", describe(value));
  return messages[0]!.content;
}
