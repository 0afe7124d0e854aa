// Rollouts of one training step as shared, zero-copy Arrow columns: arena, writer, hand-over, sealed readers, one durable file a step.
export { FINISH_REASONS } from "./appended-row.ts";
export type { AppendedRow, FinishReason } from "./appended-row.ts";
export { createArena, openArena } from "./arena.ts";
export type { Arena, ArenaRegion, ColumnRequest, ColumnSpan, SharedArena } from "./arena.ts";
export { ROLLOUT_COLUMNS, SCHEMA_VERSION } from "./column-table.ts";
export type {
  AbsentableColumn,
  CategoryColumn,
  ColumnName,
  OptionalColumn,
  PerRowColumn,
  PerTokenColumn,
  RolloutColumn,
  SettableColumn,
  ValuesOf,
} from "./column-table.ts";
export type { FileCompression } from "./file-compression.ts";
export { createHandoverQueue, openHandoverQueue } from "./handover-queue.ts";
export type { HandoverQueue } from "./handover-queue.ts";
export type { PaddedOptions, SequenceBatch } from "./padded-batch.ts";
export { concatRollouts } from "./rollout-chunks.ts";
export type { ChunkedRow, RolloutChunks } from "./rollout-chunks.ts";
export { readRolloutFile, viewRolloutBytes, writeRolloutFile } from "./rollout-file.ts";
export type { RolloutMetadata } from "./rollout-metadata.ts";
export type { RolloutRow } from "./rollout-row.ts";
export { ROLLOUT_SCHEMA } from "./rollout-schema.ts";
export { createRolloutWriter, openRolloutWriter } from "./rollout-writer.ts";
export type { RolloutWriter, SealOptions } from "./rollout-writer.ts";
export { openRollouts } from "./rollouts.ts";
export type { Categories, Ragged, RolloutGroup, Rollouts } from "./rollouts.ts";
export type { StepHandle } from "./step-memory.ts";
export { sealedByteLength, stepByteLength } from "./step-size.ts";
export type { StepCapacity } from "./step-size.ts";
export type { WriterHandle } from "./writer-slot.ts";
