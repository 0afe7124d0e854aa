// Rollouts of one training step as shared, zero-copy Arrow columns: arena, writer, sealed readers, one durable file a step.
export { FINISH_REASONS } from "./appended-row.ts";
export type { AppendedRow, FinishReason } from "./appended-row.ts";
export { createArena } from "./arena.ts";
export type { Arena, ArenaRegion, ColumnRequest } from "./arena.ts";
export { ROLLOUT_COLUMNS, SCHEMA_VERSION } from "./column-table.ts";
export type {
  CategoryColumn,
  ColumnName,
  OptionalColumn,
  PerRowColumn,
  PerTokenColumn,
  RolloutColumn,
  SettableColumn,
  ValuesOf,
} from "./column-table.ts";
export type { PaddedOptions, SequenceBatch } from "./padded-batch.ts";
export { readRolloutFile, writeRolloutFile } from "./rollout-file.ts";
export type { RolloutMetadata } from "./rollout-metadata.ts";
export { ROLLOUT_SCHEMA } from "./rollout-schema.ts";
export { createRolloutWriter } from "./rollout-writer.ts";
export type { RolloutWriter, SealOptions } from "./rollout-writer.ts";
export type { Categories, Ragged, RolloutGroup, RolloutRow, Rollouts } from "./rollouts.ts";
export { stepByteLength } from "./writer-columns.ts";
export type { StepCapacity } from "./writer-columns.ts";
