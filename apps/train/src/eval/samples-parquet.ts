// Every sample with its verdict as a parquet file: what was asked, answered, read, decided.
import { writeRows, type FieldType, type PromptRow } from "@longcot/data-filter";
import type { GradedSample } from "./sample-log.ts";

const TEXT: FieldType = { kind: "string" };
const INTEGER: FieldType = { kind: "int64" };

/** Writes one row per sample, in the order of `samples`; `scores` are a reward model's, one a sample. */
export async function writeSamplesParquet(
  path: string,
  rows: readonly PromptRow[],
  samples: readonly GradedSample[],
  scores?: ArrayLike<number>,
): Promise<void> {
  const column = (name: string, type: FieldType, value: (sample: GradedSample) => unknown) => ({ name, type, values: samples.map(value) });
  await writeRows(path, [
    column("prompt_id", TEXT, ({ problem }) => rows[problem]!.promptId),
    column("data_source", TEXT, ({ problem }) => rows[problem]!.dataSource),
    column("sample", INTEGER, ({ sample }) => sample),
    column("prompt", TEXT, ({ problem }) => rows[problem]!.messages.at(-1)!.content),
    column("ground_truth", TEXT, ({ problem }) => rows[problem]!.groundTruth),
    column("response", TEXT, ({ text }) => text),
    column("response_length", INTEGER, ({ length }) => length),
    column("truncated", { kind: "boolean" }, ({ truncated }) => truncated),
    column("outcome", TEXT, ({ outcome }) => outcome),
    column("rule", TEXT, ({ rule }) => rule),
    column("extracted", TEXT, ({ extracted }) => extracted),
    ...(scores === undefined ? [] : [{ name: "reward_score", type: { kind: "double" } as const, values: Array.from(scores) }]),
  ]);
}
