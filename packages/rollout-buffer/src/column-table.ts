// The columns of a rollout: one record each, with dtype, unit, meaning and what absence means. The schema, the
// writer, the readers and the file checks all follow this table; a new column is one record here (and a new SCHEMA_VERSION).

/**
 * Version of this table and of the file around it, kept in each file's metadata. Raise it whenever a column is added, removed or changes
 * meaning; then read the version before as well, and commit a file of it as a fixture (the rules are in schema-version.ts).
 */
export const SCHEMA_VERSION = 3;

/** What a column holds and who fills it. */
export interface RolloutColumn {
  readonly name: string;
  /** `per-row`: one number a row; `category`: one string a row; `per-token`: one list of numbers a row. */
  readonly kind: "per-row" | "category" | "per-token";
  /** Element type in memory and on disk; `utf8` is dictionary-encoded with int32 indices. */
  readonly dtype: "int32" | "float32" | "uint8" | "utf8";
  /** Columns of one `sharesLength` have, row by row, the same number of elements: `rows` exactly one, `prompt`, `response`. */
  readonly sharesLength: "rows" | "prompt" | "response";
  /** `append` gives it with the row, `set` any time before seal, `seal` once for the whole step. */
  readonly filledBy: "append" | "set" | "seal";
  /**
   * No column is ever null: it is there for every row or for none. `required` always; `optional` when the writer was made with it;
   * `pending` unless the step was sealed before it was known.
   */
  readonly presence: "required" | "optional" | "pending";
  readonly unit: string;
  readonly meaning: string;
  /** What follows when the whole column is missing. */
  readonly absent: string;
}

const NEVER_ABSENT = "never absent";
const NOT_GRADED = "the step was stored before it was graded";
const NOT_SCORED = "the step was stored before the trainer scored it";

/** Every column, in file order. */
export const ROLLOUT_COLUMNS = [
  {
    name: "prompt_id",
    kind: "per-row",
    dtype: "int32",
    sharesLength: "rows",
    filledBy: "append",
    presence: "required",
    unit: "index",
    meaning: "Index of the prompt in its data set; rows of one prompt form a group.",
    absent: NEVER_ABSENT,
  },
  {
    name: "sample_index",
    kind: "per-row",
    dtype: "int32",
    sharesLength: "rows",
    filledBy: "append",
    presence: "required",
    unit: "index",
    meaning: "Number of this response among the prompt's samples; (prompt_id, sample_index) is unique and sorts the rows.",
    absent: NEVER_ABSENT,
  },
  {
    name: "step",
    kind: "per-row",
    dtype: "int32",
    sharesLength: "rows",
    filledBy: "seal",
    presence: "required",
    unit: "count",
    meaning: "Training step that these rows feed; equal for all rows of a file.",
    absent: NEVER_ABSENT,
  },
  {
    name: "stage",
    kind: "per-row",
    dtype: "int32",
    sharesLength: "rows",
    filledBy: "append",
    presence: "required",
    unit: "index",
    meaning: "Stage of the multi-stage schedule.",
    absent: NEVER_ABSENT,
  },
  {
    name: "weight_version",
    kind: "per-row",
    dtype: "int32",
    sharesLength: "rows",
    filledBy: "append",
    presence: "required",
    unit: "count",
    meaning: "Optimizer updates that the sampling policy's weights had seen.",
    absent: NEVER_ABSENT,
  },
  {
    name: "data_source",
    kind: "category",
    dtype: "utf8",
    sharesLength: "rows",
    filledBy: "append",
    presence: "required",
    unit: "name",
    meaning: "Data set that the prompt came from.",
    absent: NEVER_ABSENT,
  },
  {
    name: "level",
    kind: "per-row",
    dtype: "int32",
    sharesLength: "rows",
    filledBy: "append",
    presence: "optional",
    unit: "rank",
    meaning: "Difficulty of the problem, as its data set ranks it.",
    absent: "the data set ranks no difficulty",
  },
  {
    name: "finish_reason",
    kind: "category",
    dtype: "utf8",
    sharesLength: "rows",
    filledBy: "append",
    presence: "required",
    unit: "name",
    meaning: "Why generation ended: stop (end token), length (context cap), abort.",
    absent: NEVER_ABSENT,
  },
  {
    name: "outcome",
    kind: "category",
    dtype: "utf8",
    sharesLength: "rows",
    filledBy: "set",
    presence: "pending",
    unit: "name",
    meaning: "Grader's verdict, for example correct, wrong or timeout.",
    absent: NOT_GRADED,
  },
  {
    name: "reward",
    kind: "per-row",
    dtype: "float32",
    sharesLength: "rows",
    filledBy: "set",
    presence: "pending",
    unit: "reward",
    meaning: "Score of the whole response.",
    absent: NOT_GRADED,
  },
  {
    name: "advantage",
    kind: "per-row",
    dtype: "float32",
    sharesLength: "rows",
    filledBy: "set",
    presence: "pending",
    unit: "advantage",
    meaning: "Advantage of the response, the same for each of its tokens.",
    absent: NOT_GRADED,
  },
  {
    name: "prompt_tokens",
    kind: "per-token",
    dtype: "int32",
    sharesLength: "prompt",
    filledBy: "append",
    presence: "required",
    unit: "token id",
    meaning: "Prompt as the policy saw it, chat template included.",
    absent: NEVER_ABSENT,
  },
  {
    name: "response_tokens",
    kind: "per-token",
    dtype: "int32",
    sharesLength: "response",
    filledBy: "append",
    presence: "required",
    unit: "token id",
    meaning: "Generated tokens, the end token included when there was one.",
    absent: NEVER_ABSENT,
  },
  {
    name: "response_mask",
    kind: "per-token",
    dtype: "uint8",
    sharesLength: "response",
    filledBy: "append",
    presence: "required",
    unit: "0 or 1",
    meaning: "1 where the policy chose the token and the loss counts it.",
    absent: NEVER_ABSENT,
  },
  {
    name: "rollout_log_probs",
    kind: "per-token",
    dtype: "float32",
    sharesLength: "response",
    filledBy: "append",
    presence: "required",
    unit: "nats",
    meaning: "Log-probability of each token under the policy that sampled it, as the sampler computed it.",
    absent: NEVER_ABSENT,
  },
  {
    name: "old_log_probs",
    kind: "per-token",
    dtype: "float32",
    sharesLength: "response",
    filledBy: "set",
    presence: "pending",
    unit: "nats",
    meaning:
      "Log-probability of each token under the policy before this step's updates, as the trainer computed it, or as the sampler did where it is that policy.",
    absent: NOT_SCORED,
  },
  {
    name: "ref_log_probs",
    kind: "per-token",
    dtype: "float32",
    sharesLength: "response",
    filledBy: "set",
    presence: "optional",
    unit: "nats",
    meaning: "Log-probability of each token under the reference policy.",
    absent: "the run uses no reference policy",
  },
  {
    name: "entropies",
    kind: "per-token",
    dtype: "float32",
    sharesLength: "response",
    filledBy: "set",
    presence: "pending",
    unit: "nats",
    meaning: "Entropy over the whole vocabulary of the distribution that each token was drawn from.",
    absent: NOT_SCORED,
  },
  {
    name: "top_k_mass",
    kind: "per-token",
    dtype: "float32",
    sharesLength: "response",
    filledBy: "set",
    presence: "optional",
    unit: "probability",
    meaning:
      "Probability together of the k likeliest tokens of the distribution that each token was drawn from, as the sampler computed it.",
    absent: "the sampler did not measure it",
  },
] as const satisfies readonly RolloutColumn[];

type Column = (typeof ROLLOUT_COLUMNS)[number];

/** Name of any column. */
export type ColumnName = Column["name"];
/** Columns that a step may lack: optional ones, and those that it was sealed without. */
export type AbsentableColumn = Extract<Column, { presence: "optional" | "pending" }>["name"];
/** Columns with one number a row. */
export type PerRowColumn = Extract<Column, { kind: "per-row" }>["name"];
/** Columns with one string a row. */
export type CategoryColumn = Extract<Column, { kind: "category" }>["name"];
/** Columns with a list of numbers a row. */
export type PerTokenColumn = Extract<Column, { kind: "per-token" }>["name"];
/** Columns that a writer carries only when asked to. */
export type OptionalColumn = Extract<Column, { presence: "optional" }>["name"];
/** Columns that are filled between append and seal. */
export type SettableColumn = Extract<Column, { filledBy: "set" }>["name"];

interface ArrayOfDtype {
  int32: Int32Array<ArrayBufferLike>;
  float32: Float32Array<ArrayBufferLike>;
  uint8: Uint8Array<ArrayBufferLike>;
  utf8: Int32Array<ArrayBufferLike>;
}
/** Typed array that holds a column's numbers (for a category: its dictionary indices). */
export type ValuesOf<Name extends ColumnName> = ArrayOfDtype[Extract<Column, { name: Name }>["dtype"]];

const BY_NAME: ReadonlyMap<string, RolloutColumn> = new Map(ROLLOUT_COLUMNS.map((column) => [column.name, column]));

/** The record of `name`, or undefined when the table has no such column. */
export function findColumn(name: string): RolloutColumn | undefined {
  return BY_NAME.get(name);
}
