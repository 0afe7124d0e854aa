// One row as a record.
import type { ColumnStorages } from "./column-storage.ts";
import type { PerTokenColumn, ValuesOf } from "./column-table.ts";

/** One row; arrays are views. What the step does not carry is absent: see `absent` in the column table. */
export interface RolloutRow {
  promptId: number;
  sampleIndex: number;
  step: number;
  stage: number;
  weightVersion: number;
  dataSource: string;
  finishReason: string;
  level?: number;
  outcome?: string;
  reward?: number;
  advantage?: number;
  promptTokens: Int32Array<ArrayBufferLike>;
  responseTokens: Int32Array<ArrayBufferLike>;
  responseMask: Uint8Array<ArrayBufferLike>;
  rolloutLogProbs: Float32Array<ArrayBufferLike>;
  oldLogProbs?: Float32Array<ArrayBufferLike>;
  refLogProbs?: Float32Array<ArrayBufferLike>;
  entropies?: Float32Array<ArrayBufferLike>;
  topKMass?: Float32Array<ArrayBufferLike>;
}

/** Row `row` of the columns. Checked arguments only. */
export function viewRolloutRow(storages: ColumnStorages, row: number): RolloutRow {
  const number = (name: string): number => storages.get(name)!.values[row]!;
  const text = (name: string): string => storages.get(name)!.categories![number(name)]!;
  const list = <Name extends PerTokenColumn>(name: Name): ValuesOf<Name> => {
    const { values, offsets } = storages.get(name)!;
    return values.subarray(offsets![row]!, offsets![row + 1]!) as ValuesOf<Name>;
  };
  return {
    promptId: number("prompt_id"),
    sampleIndex: number("sample_index"),
    step: number("step"),
    stage: number("stage"),
    weightVersion: number("weight_version"),
    dataSource: text("data_source"),
    finishReason: text("finish_reason"),
    promptTokens: list("prompt_tokens"),
    responseTokens: list("response_tokens"),
    responseMask: list("response_mask"),
    rolloutLogProbs: list("rollout_log_probs"),
    ...(storages.has("level") ? { level: number("level") } : {}),
    ...(storages.has("outcome") ? { outcome: text("outcome") } : {}),
    ...(storages.has("reward") ? { reward: number("reward") } : {}),
    ...(storages.has("advantage") ? { advantage: number("advantage") } : {}),
    ...(storages.has("old_log_probs") ? { oldLogProbs: list("old_log_probs") } : {}),
    ...(storages.has("ref_log_probs") ? { refLogProbs: list("ref_log_probs") } : {}),
    ...(storages.has("entropies") ? { entropies: list("entropies") } : {}),
    ...(storages.has("top_k_mass") ? { topKMass: list("top_k_mass") } : {}),
  };
}
