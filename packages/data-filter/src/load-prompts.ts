// Problems from parquet or JSONL files in verl's row schema. Source: verl, docs/preparation/prepare_data.rst.
import { parseGroundTruth } from "@longcot/verifiers";
import { loadRows } from "./load-rows.ts";
import type { PromptRow, RejectedRow } from "./prompt-row.ts";
import { checkExtraInfo, checkMessages, checkText, describe, isRecord, levelOf, RowFault, type RawRow } from "./row-fields.ts";

/** Column names of the input, where they differ from verl's. */
export interface PromptColumns {
  /** Messages; default `prompt`. verl: `data.prompt_key`. */
  readonly promptKey?: string;
  /** Source of the problem; default `data_source`. verl: `data.reward_fn_key`. */
  readonly dataSourceKey?: string;
}

/** What to do with a malformed row: stop with an error that names it (default), or return it among the rejected. */
export interface OnInvalidRow {
  readonly onInvalid?: "error" | "reject";
}

/**
 * The problems of one or more files, in file order.
 *
 * A row needs `data_source`, `prompt` (messages, the last one the user's), `ability` (`math` or `code`) and
 * `reward_model.ground_truth` (a non-blank string or a list of strings; for math also one that the verifier can read).
 * `extra_info` may be absent or null; other columns are not read.
 *
 * @throws DataError for a missing, empty, truncated or corrupt file, a missing column, and for the first malformed row (file, row
 *   number, column, what came) unless `onInvalid` is `reject`.
 *
 * @example
 * const prompts = await loadPrompts("train.parquet");
 * const { rows, rejected } = await loadPrompts(["a.parquet", "b.jsonl"], { onInvalid: "reject" });
 */
export function loadPrompts(
  paths: string | readonly string[],
  options: PromptColumns & { readonly onInvalid: "reject" },
): Promise<{ rows: PromptRow[]; rejected: RejectedRow[] }>;
export function loadPrompts(
  paths: string | readonly string[],
  options?: PromptColumns & { readonly onInvalid?: "error" },
): Promise<PromptRow[]>;
export async function loadPrompts(
  paths: string | readonly string[],
  options: PromptColumns & OnInvalidRow = {},
): Promise<PromptRow[] | { rows: PromptRow[]; rejected: RejectedRow[] }> {
  const { promptKey = "prompt", dataSourceKey = "data_source", onInvalid = "error" } = options;
  const required = [dataSourceKey, promptKey, "ability", "reward_model"];
  const loaded = await loadRows("loadPrompts", paths, {
    required,
    onInvalid,
    check: (row) => checkPromptRow(row, promptKey, dataSourceKey),
  });
  const rows = loaded.rows.map(({ id, checked }): PromptRow => ({ promptId: id, ...checked }));
  return onInvalid === "reject" ? { rows, rejected: loaded.rejected } : rows;
}

/** The fields of a row in verl's schema. @throws RowFault naming the one at fault. */
export function checkPromptRow(row: RawRow, promptKey: string, dataSourceKey: string): Omit<PromptRow, "promptId"> {
  const dataSource = checkText(row[dataSourceKey], dataSourceKey);
  const messages = checkMessages(row[promptKey], promptKey, "user", 1);
  const ability = row["ability"];
  if (ability !== "math" && ability !== "code") throw new RowFault("ability", "math or code", describe(ability));
  const rewardModel = row["reward_model"];
  if (!isRecord(rewardModel)) throw new RowFault("reward_model", "{style, ground_truth}", describe(rewardModel));
  const groundTruth = checkGroundTruth(rewardModel["ground_truth"], ability);
  const extraInfo = checkExtraInfo(row["extra_info"]);
  return { dataSource, messages, ability, groundTruth, extraInfo, ...levelOf(extraInfo) };
}

/** The ground truth as text: a list becomes JSON. */
function checkGroundTruth(value: unknown, ability: PromptRow["ability"]): string {
  const column = "reward_model.ground_truth";
  const text = checkText(Array.isArray(value) ? JSON.stringify(value) : value, column);
  if (ability === "code") return text;
  const parsed = parseGroundTruth(text);
  if (!parsed.valid) throw new RowFault(column, "an answer or a JSON list of accepted answers", `${describe(value)}: ${parsed.reason}`);
  return text;
}
