// The column layouts that problems come in, each turned into verl's: which columns tell a layout, and where its fields are.
import { DataError } from "@longcot/errors";
import { isRecord } from "../row-fields.ts";

/** A row as read, before any check: absent and null are the same. */
export interface MappedRow {
  readonly dataSource: unknown;
  readonly prompt: unknown;
  readonly ability: unknown;
  readonly groundTruth: unknown;
  readonly solution: unknown;
  readonly extraInfo: unknown;
  /** The column that would hold the ground truth is itself null. */
  readonly lacksRewardModel?: true;
}

/** Columns of a file by the field they hold; a dot goes into an object (`reward_model.ground_truth`). */
export interface ColumnMapping {
  readonly prompt?: string;
  readonly ground_truth?: string;
  readonly data_source?: string;
  readonly ability?: string;
  readonly solution?: string;
  readonly extra_info?: string;
}

/** A worked solution that ends in its answer behind four hashes, as GSM8K has it. */
const WORKED_ANSWER = /\n#{4}[ \t]*(\S[^\n]*?)\s*$/;

type Row = Readonly<Record<string, unknown>>;

interface Layout {
  readonly name: string;
  /** Columns that all must be there. */
  readonly columns: readonly string[];
  readonly mapping: ColumnMapping;
}

/** In order of preference. Sources: the data cards of verl, TRL, open-instruct and NuminaMath-1.5. */
const LAYOUTS: readonly Layout[] = [
  { name: "verl", columns: ["prompt", "reward_model"], mapping: { prompt: "prompt", ground_truth: "reward_model.ground_truth" } },
  {
    name: "open-instruct",
    columns: ["messages", "ground_truth"],
    mapping: { prompt: "messages", ground_truth: "ground_truth", data_source: "dataset" },
  },
  { name: "numina-math", columns: ["problem", "answer"], mapping: { prompt: "problem", ground_truth: "answer", data_source: "source" } },
  { name: "question-answer", columns: ["question", "answer"], mapping: { prompt: "question", ground_truth: "answer" } },
  { name: "problem-answer", columns: ["Problem", "Answer"], mapping: { prompt: "Problem", ground_truth: "Answer", solution: "Solution" } },
  { name: "trl", columns: ["prompt", "ground_truth"], mapping: { prompt: "prompt", ground_truth: "ground_truth" } },
  { name: "trl", columns: ["prompt", "answer"], mapping: { prompt: "prompt", ground_truth: "answer" } },
  { name: "trl", columns: ["prompt", "solution"], mapping: { prompt: "prompt", ground_truth: "solution" } },
];

/** Fields of every layout that names no other column for them. */
const COMMON: ColumnMapping = { data_source: "data_source", ability: "ability", solution: "solution", extra_info: "extra_info" };

/** Columns that hold a reference solution, in order of preference; `solutions` is a list in TACO and APPS. */
const SOLUTIONS = ["solution", "reference_solution", "canonical_solution", "solutions"];

/** Names of the known layouts. */
export const layoutNames = (): string[] => [...new Set(LAYOUTS.map(({ name }) => name))];

/** The mapping of the first layout whose columns are all among `columns`. */
export function mappingOf(columns: readonly string[]): ColumnMapping | undefined {
  const layout = LAYOUTS.find((candidate) => candidate.columns.every((column) => columns.includes(column)));
  const solution = SOLUTIONS.find((column) => columns.includes(column));
  return layout === undefined ? undefined : { ...COMMON, ...(solution === undefined ? {} : { solution }), ...layout.mapping };
}

/** @throws DataError naming the known layouts. */
export function unknownLayout(path: string, columns: readonly string[]): never {
  throw new DataError({
    who: path,
    argument: "columns",
    expected: `those of a known layout (${layoutNames().join(", ")})`,
    received: columns.join(", "),
    fix: "Name the columns in `mapping`, for example {prompt: problem, ground_truth: final_answer}",
  });
}

/** `row` by `mapping`; `defaults` stand in for absent fields. A prompt that is text becomes one message of the user. */
export function mapRow(row: Row, mapping: ColumnMapping, defaults: { readonly ability?: string; readonly dataSource?: string }): MappedRow {
  const field = (path: string | undefined): unknown => (path === undefined ? undefined : valueAt(row, path));
  const declares = (path: string | undefined): boolean => path !== undefined && path.split(".")[0]! in row;
  const prompt = field(mapping.prompt);
  const truth = field(mapping.ground_truth);
  const answer = typeof truth === "string" ? WORKED_ANSWER.exec(truth)?.[1] : undefined;
  const truthColumn = mapping.ground_truth?.split(".");
  const lacksRewardModel = truthColumn !== undefined && truthColumn.length > 1 && (row[truthColumn[0]!] ?? null) === null;
  return {
    dataSource: declares(mapping.data_source) ? onlyOne(field(mapping.data_source)) : defaults.dataSource,
    prompt: typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt,
    ability: declares(mapping.ability) ? field(mapping.ability) : defaults.ability,
    groundTruth: answer ?? truth,
    solution: answer !== undefined ? truth : mapping.solution === mapping.ground_truth ? undefined : field(mapping.solution),
    extraInfo: field(mapping.extra_info),
    ...(lacksRewardModel ? { lacksRewardModel } : {}),
  };
}

/** What a list of one holds: open-instruct names its data sets so. */
const onlyOne = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? value[0] : value);

function valueAt(row: Row, path: string): unknown {
  let value: unknown = row;
  for (const key of path.split(".")) value = isRecord(value) ? value[key] : undefined;
  return value;
}
