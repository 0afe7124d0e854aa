// Answers in steps with a label each, as TRL reads them (stepwise supervision): `prompt`, `completions`, `labels`.
import { loadRows } from "./load-rows.ts";
import type { OnInvalidRow } from "./load-prompts.ts";
import { inferFieldType, MESSAGES, STRING } from "./parquet-fields.ts";
import type { Message, RejectedRow } from "./prompt-row.ts";
import { checkExtraInfo, checkMessages, checkText, describe, levelOf, RowFault, type RawRow } from "./row-fields.ts";
import { writeRows } from "./write-rows.ts";

/** One answer and what is known of its steps. */
export interface StepwiseAnswer {
  /** As `PromptRow.promptId`. */
  readonly answerId: string;
  /** At least one message; the last is the user's. */
  readonly prompt: readonly Message[];
  /** The steps, without what separates them. */
  readonly completions: readonly string[];
  /** [steps]: whether a step is right, its hard label. */
  readonly labels: readonly boolean[];
  /** [steps]: soft labels from 0 to 1; where the file has no column `values`, 1 and 0 as `labels` says. */
  readonly values: readonly number[];
  /** What stands between two steps, column `step_separator`; where the file has none, a new line, as TRL's. */
  readonly separator: string;
  /** Column `data_source`; absent when the file has none. */
  readonly dataSource?: string;
  readonly extraInfo: Readonly<Record<string, unknown>>;
  readonly level?: number;
}

const TRL_SEPARATOR = "\n";

/**
 * The answers of one or more parquet or JSONL files, in file order. A row needs `prompt` (a text, or messages whose last one is the user's), `completions`
 * (texts) and `labels` (one a completion); `values`, `step_separator`, `data_source` and `extra_info` may be absent or null.
 * @throws DataError as `loadPrompts`.
 */
export function loadStepwise(
  paths: string | readonly string[],
  options: { readonly onInvalid: "reject" },
): Promise<{ rows: StepwiseAnswer[]; rejected: RejectedRow[] }>;
export function loadStepwise(paths: string | readonly string[], options?: { readonly onInvalid?: "error" }): Promise<StepwiseAnswer[]>;
export async function loadStepwise(
  paths: string | readonly string[],
  { onInvalid = "error" }: OnInvalidRow = {},
): Promise<StepwiseAnswer[] | { rows: StepwiseAnswer[]; rejected: RejectedRow[] }> {
  const loaded = await loadRows("loadStepwise", paths, { required: ["prompt", "completions", "labels"], onInvalid, check: checkAnswer });
  const rows = loaded.rows.map(({ id, checked }): StepwiseAnswer => ({ answerId: id, ...checked }));
  return onInvalid === "reject" ? { rows, rejected: loaded.rejected } : rows;
}

/** Writes answers as columns `prompt`, `completions`, `labels`, `values`, `step_separator`, `data_source` and `extra_info`. @throws as `writePrompts`. */
export async function writeStepwise(path: string, answers: readonly Omit<StepwiseAnswer, "answerId" | "level">[]): Promise<void> {
  const extraInfo = answers.map((answer) => answer.extraInfo);
  await writeRows(path, [
    { name: "prompt", type: MESSAGES, values: answers.map(({ prompt }) => prompt) },
    { name: "completions", type: { kind: "list", item: STRING }, values: answers.map(({ completions }) => completions) },
    { name: "labels", type: { kind: "list", item: { kind: "boolean" } }, values: answers.map(({ labels }) => labels) },
    { name: "values", type: { kind: "list", item: { kind: "double" } }, values: answers.map(({ values }) => values) },
    { name: "step_separator", type: STRING, values: answers.map(({ separator }) => separator) },
    { name: "data_source", type: STRING, values: answers.map(({ dataSource }) => dataSource ?? null) },
    { name: "extra_info", type: inferFieldType(extraInfo, "extra_info"), values: extraInfo },
  ]);
}

function checkAnswer(row: RawRow): Omit<StepwiseAnswer, "answerId"> {
  const { prompt, completions, labels, values, step_separator: separator, data_source: dataSource } = row;
  if (!Array.isArray(completions) || completions.length === 0)
    throw new RowFault("completions", "a list of one or more texts", describe(completions));
  const texts = completions.map((text: unknown, i) => checkText(text, `completions[${i}]`));
  const extraInfo = checkExtraInfo(row["extra_info"]);
  const hard = checkEach(labels, "labels", "true or false", texts.length, (label): label is boolean => typeof label === "boolean");
  const isShare = (value: unknown): value is number => typeof value === "number" && value >= 0 && value <= 1;
  if (separator !== undefined && separator !== null && (typeof separator !== "string" || separator === ""))
    throw new RowFault("step_separator", "a text of at least one character", describe(separator));
  return {
    prompt:
      typeof prompt === "string" ? [{ role: "user", content: checkText(prompt, "prompt") }] : checkMessages(prompt, "prompt", "user", 1),
    completions: texts,
    labels: hard,
    values:
      values === undefined || values === null
        ? hard.map(Number)
        : checkEach(values, "values", "a number from 0 to 1", texts.length, isShare),
    separator: separator ?? TRL_SEPARATOR,
    ...(dataSource === undefined || dataSource === null ? {} : { dataSource: checkText(dataSource, "data_source") }),
    extraInfo,
    ...levelOf(extraInfo),
  };
}

function checkEach<T>(list: unknown, column: string, expected: string, count: number, is: (value: unknown) => value is T): T[] {
  if (!Array.isArray(list) || list.length !== count) throw new RowFault(column, `a list of one per completion (${count})`, describe(list));
  const wrong = list.findIndex((value: unknown) => !is(value));
  if (wrong >= 0) throw new RowFault(`${column}[${wrong}]`, expected, describe(list[wrong]));
  return list as T[];
}
