// One sealed step as one Arrow IPC file: there whole or not at all, checked to the last bit when read.
import { open, writeFile, type FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { atomicFile } from "@longcot/durable-files";
import { DataError } from "@longcot/errors";
import { RecordBatch, RecordBatchReader, Schema } from "apache-arrow";
import { COLUMN_ALIGNMENT_BYTES, type Arena, type ArenaRegion } from "./arena.ts";
import type { ColumnStorages } from "./column-storage.ts";
import {
  CHECKSUM_PLACEHOLDER,
  checkFileBytes,
  ChecksumCheck,
  checksumOfChunks,
  LEAD_BYTES,
  readFrame,
  sliceForCalls,
  TAIL_BYTES,
} from "./file-checksum.ts";
import { registerCodec, type FileCompression } from "./file-compression.ts";
import { BUFFER_FILE_OFFSET, viewFileChunks } from "./file-encoding.ts";
import { placeColumns } from "./place-columns.ts";
import { viewRecordBatchColumns } from "./record-batch.ts";
import { fromSchemaMetadata, toSchemaMetadata, type RolloutMetadata } from "./rollout-metadata.ts";
import { Rollouts } from "./rollouts.ts";
import { requiredColumns } from "./schema-version.ts";
import { StepMemory } from "./step-memory.ts";

/** While one piece is read, the checksum of the one before is taken. */
const READ_PIECE_BYTES = 4 * 2 ** 20;

/**
 * Writes `rollouts` to `path` durably: to a file beside it, synced to the disk, renamed over `path`, the folder synced. A reader, or a
 * restart after a crash at any moment, finds the old file, no file, or the whole new one. Equal rows give equal bytes. Uncompressed (the
 * default), columns go to the disk from where they lie, without a copy.
 *
 * @throws the file system's own error (no space, no permission); the temporary file is removed then.
 */
export async function writeRolloutFile(
  path: string,
  rollouts: Rollouts,
  { compression = "none" }: { compression?: FileCompression } = {},
): Promise<void> {
  const chunks = encodeWithChecksum(rollouts, compression);
  const pieces = function* (): Generator<Uint8Array<ArrayBufferLike>> {
    for (const chunk of chunks) yield* sliceForCalls(chunk);
  };
  await atomicFile(path, (aside) => writeFile(aside, pieces()));
}

/** The file's bytes, the checksum in the place that was kept for it. */
function encodeWithChecksum(rollouts: Rollouts, compression: FileCompression): Uint8Array<ArrayBufferLike>[] {
  const batch = rollouts.viewRecordBatch();
  const metadata = toSchemaMetadata(rollouts.metadata, CHECKSUM_PLACEHOLDER);
  const { chunks, schemaChunks } = viewFileChunks(new RecordBatch(new Schema(batch.schema.fields, metadata), batch.data), compression);
  const checksum = checksumOfChunks(chunks);
  for (const chunk of schemaChunks) {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const at = text.indexOf(CHECKSUM_PLACEHOLDER);
    if (at >= 0) text.write(checksum, at, "latin1");
  }
  return chunks;
}

/**
 * Reads a step back: one read of the whole file, checksum, schema version, dtypes, nulls and lengths checked, columns viewed where they
 * were read (compressed ones are unpacked). With `arena` the columns lie in its shared memory, 64-byte aligned (`Rollouts.viewAligned`),
 * until `Rollouts.free`; without, in an ordinary ArrayBuffer that the garbage collector owns.
 *
 * @throws DataError naming the file, when it is missing, cut short, damaged, foreign or of a schema version that is not read;
 * ConfigError when it does not fit the arena.
 */
export async function readRolloutFile(path: string, { arena }: { arena?: Arena } = {}): Promise<Rollouts> {
  const who = "readRolloutFile";
  const { bytes, region } = await readBytes(who, path, arena);
  try {
    const { storages, metadata } = parse(who, path, bytes);
    if (arena === undefined || region === undefined) return new Rollouts(storages, metadata);
    if (storages.get("prompt_id")!.values.buffer === bytes.buffer) return new Rollouts(storages, metadata, new StepMemory(arena, region));
    const placed = placeColumns(arena, storages);
    region.free();
    return new Rollouts(placed.storages, metadata, new StepMemory(arena, placed.region));
  } catch (error) {
    region?.free();
    throw error;
  }
}

/**
 * The step in `bytes`, the content of a rollout file that came from elsewhere: an object store, a mapped file. Aliasing: uncompressed
 * columns are views of `bytes`, which must begin at a multiple of 8. `name` stands in errors for the path.
 *
 * @throws DataError as {@link readRolloutFile}.
 */
export function viewRolloutBytes(name: string, bytes: Uint8Array<ArrayBufferLike>): Rollouts {
  const who = "viewRolloutBytes";
  if (bytes.byteOffset % 8 !== 0)
    throw new DataError({ who, argument: name, expected: "bytes that begin at a multiple of 8", received: String(bytes.byteOffset) });
  checkFileBytes(who, name, bytes);
  const { storages, metadata } = parse(who, name, bytes);
  return new Rollouts(storages, metadata);
}

async function readBytes(
  who: string,
  path: string,
  arena: Arena | undefined,
): Promise<{ bytes: Uint8Array<ArrayBufferLike>; region?: ArenaRegion }> {
  const unreadable = (received: string, cause?: unknown): DataError =>
    new DataError({ who, argument: path, expected: "a rollout file", received, ...(cause === undefined ? {} : { cause }) });
  const file = await open(path, "r").catch((cause: unknown) => {
    throw unreadable("a path that cannot be read", cause);
  });
  try {
    const found = await file.stat();
    if (!found.isFile()) throw unreadable("something that is not a file");
    const check = await openChecksum(who, path, file, found.size);
    const lead = COLUMN_ALIGNMENT_BYTES - BUFFER_FILE_OFFSET;
    const region = arena?.allocate([{ column: `(file ${basename(path)})`, byteLength: lead + found.size }]);
    const span = region?.spans[0];
    const bytes = span === undefined ? new Uint8Array(found.size) : new Uint8Array(span.buffer, span.byteOffset + lead, found.size);
    try {
      const pieces = [...sliceForCalls(bytes, READ_PIECE_BYTES)];
      let reading = readPiece(who, path, file, pieces[0]!, 0);
      for (const [i, piece] of pieces.entries()) {
        await reading;
        const next = pieces[i + 1];
        if (next !== undefined) reading = readPiece(who, path, file, next, (i + 1) * READ_PIECE_BYTES);
        check.update(piece);
      }
      check.finish();
      return region === undefined ? { bytes } : { bytes, region };
    } catch (error) {
      region?.free();
      throw error;
    }
  } finally {
    await file.close();
  }
}

async function openChecksum(who: string, path: string, file: FileHandle, size: number): Promise<ChecksumCheck> {
  const read = async (at: number, byteLength: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(Math.max(0, Math.min(byteLength, size - at)));
    await readPiece(who, path, file, bytes, at);
    return bytes;
  };
  const frame = readFrame(who, path, size, await read(0, LEAD_BYTES), await read(Math.max(0, size - TAIL_BYTES), TAIL_BYTES));
  return new ChecksumCheck(who, path, frame, await read(0, frame.headBytes), await read(frame.footerAt, frame.footerBytes));
}

/** Fills `piece` with the bytes from `at`. */
async function readPiece(who: string, path: string, file: FileHandle, piece: Uint8Array<ArrayBufferLike>, at: number): Promise<void> {
  for (let done = 0; done < piece.byteLength;) {
    const { bytesRead } = await file.read(piece, done, piece.byteLength - done, at + done);
    if (bytesRead === 0)
      throw new DataError({
        who,
        argument: path,
        expected: `at least ${at + piece.byteLength} bytes long`,
        received: `${at + done} bytes: it shrank while it was read`,
      });
    done += bytesRead;
  }
}

function parse(who: string, path: string, bytes: Uint8Array<ArrayBufferLike>): { storages: ColumnStorages; metadata: RolloutMetadata } {
  registerCodec();
  let batches: RecordBatch[];
  try {
    batches = [...RecordBatchReader.from(bytes as Uint8Array<ArrayBuffer>)];
  } catch (cause) {
    throw new DataError({
      who,
      argument: path,
      expected: "an Arrow file",
      received: "one that apache-arrow cannot read",
      cause,
    });
  }
  if (batches.length !== 1)
    throw new DataError({
      who,
      argument: path,
      expected: "one record batch",
      received: `${batches.length}`,
    });
  const { version, metadata } = fromSchemaMetadata(who, path, batches[0]!.schema.metadata);
  return { storages: viewRecordBatchColumns(who, path, batches[0]!, requiredColumns(version)), metadata };
}
