// A teacher's likeliest tokens beside the tokens that they are about, as one Arrow file.
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { atomicWrite } from "@longcot/durable-files";
import { DataError } from "@longcot/errors";
import {
  Field,
  Float32,
  Int32,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  tableFromIPC,
  vectorFromArray,
} from "apache-arrow";
import type { Data, Table } from "apache-arrow";
import type { Example } from "../sft/example.ts";

/** An example with what its teacher thought of each completion token: `ids`, `logProbs` `[completion tokens · k]`, likeliest first, nats. */
export interface ScoredExample extends Example {
  readonly topIds: Int32Array;
  readonly topLogProbs: Float32Array;
}

/** How the scores were made. */
export interface TeacherScoresInfo {
  readonly teacher: string;
  /** k: tokens kept at each place. */
  readonly topK: number;
  /** Divisor of the logits. */
  readonly temperature: number;
}

const SCHEMA_VERSION = "1";
const INTS = new List(Field.new("item", new Int32()));
const FLOATS = new List(Field.new("item", new Float32()));
const FIELDS = [
  Field.new({ name: "tokens", type: INTS }),
  Field.new({ name: "prompt_length", type: new Int32() }),
  Field.new({ name: "top_ids", type: INTS }),
  Field.new({ name: "top_log_probs", type: FLOATS }),
];

/** Writes `examples` to `path`, whole or not at all: columns `tokens`, `prompt_length`, `top_ids`, `top_log_probs`, a row an example. */
export function writeTeacherScores(
  path: string,
  examples: readonly ScoredExample[],
  { teacher, topK, temperature }: TeacherScoresInfo,
): void {
  const metadata = new Map([
    ["schema_version", SCHEMA_VERSION],
    ["teacher", teacher],
    ["top_k", String(topK)],
    ["temperature", String(temperature)],
    ["unit", "nats"],
  ]);
  const schema = new Schema(FIELDS, metadata);
  const children = [
    ints(examples.map(({ tokens }) => tokens)),
    vectorFromArray(Int32Array.from(examples, ({ promptLength }) => promptLength)).data[0]!,
    ints(examples.map(({ topIds }) => topIds)),
    floats(examples.map(({ topLogProbs }) => topLogProbs)),
  ];
  const rows = makeData({ type: new Struct(FIELDS), length: examples.length, nullCount: 0, children: children as Data[] });
  const writer = new RecordBatchFileWriter();
  writer.write(new RecordBatch(schema, rows));
  writer.finish();
  mkdirSync(dirname(path), { recursive: true });
  atomicWrite(path, writer.toUint8Array(true));
}

/**
 * The examples of a file of {@link writeTeacherScores}, as views of its bytes.
 * @throws DataError for a file that is none, or of another version.
 */
export function readTeacherScores(path: string): { info: TeacherScoresInfo; examples: ScoredExample[] } {
  const refuse = (received: string, cause?: unknown): never => {
    throw new DataError({ who: path, expected: `teacher scores of version ${SCHEMA_VERSION}`, received, cause });
  };
  let table: Table;
  try {
    table = tableFromIPC(readFileSync(path));
  } catch (cause) {
    return refuse((cause as Error).message, cause);
  }
  const { metadata } = table.schema;
  if (metadata.get("schema_version") !== SCHEMA_VERSION) refuse(`version ${metadata.get("schema_version") ?? "none"}`);
  const column = (name: string) => table.getChild(name) ?? refuse(`no column ${name}`);
  const [tokens, promptLength, topIds, topLogProbs] = ["tokens", "prompt_length", "top_ids", "top_log_probs"].map(column) as [
    ReturnType<typeof column>,
    ReturnType<typeof column>,
    ReturnType<typeof column>,
    ReturnType<typeof column>,
  ];
  const info = { teacher: metadata.get("teacher")!, topK: Number(metadata.get("top_k")), temperature: Number(metadata.get("temperature")) };
  const examples = Array.from({ length: table.numRows }, (_, row): ScoredExample => ({
    tokens: tokens.get(row).toArray() as Int32Array,
    promptLength: promptLength.get(row) as number,
    topIds: topIds.get(row).toArray() as Int32Array,
    topLogProbs: topLogProbs.get(row).toArray() as Float32Array,
  }));
  const broken = examples.findIndex(
    (example) =>
      example.topIds.length !== (example.tokens.length - example.promptLength) * info.topK ||
      example.topIds.length !== example.topLogProbs.length,
  );
  if (broken >= 0) refuse(`row ${broken} without ${info.topK} scores a completion token`);
  return { info, examples };
}

function offsetsOf(lists: readonly { length: number }[]): Int32Array {
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach(({ length }, i) => (offsets[i + 1] = offsets[i]! + length));
  return offsets;
}

function ints(lists: readonly Int32Array[]): Data<List<Int32>> {
  const valueOffsets = offsetsOf(lists);
  const values = new Int32Array(valueOffsets.at(-1)!);
  lists.forEach((list, i) => values.set(list, valueOffsets[i]));
  const child = makeData({ type: new Int32(), length: values.length, nullCount: 0, data: values });
  return makeData({ type: INTS, length: lists.length, nullCount: 0, valueOffsets, child });
}

function floats(lists: readonly Float32Array[]): Data<List<Float32>> {
  const valueOffsets = offsetsOf(lists);
  const values = new Float32Array(valueOffsets.at(-1)!);
  lists.forEach((list, i) => values.set(list, valueOffsets[i]));
  const child = makeData({ type: new Float32(), length: values.length, nullCount: 0, data: values });
  return makeData({ type: FLOATS, length: lists.length, nullCount: 0, valueOffsets, child });
}
