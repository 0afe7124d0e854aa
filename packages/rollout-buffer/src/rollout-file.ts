// One sealed step as one Arrow IPC file: there whole or not at all, checked to the last bit when read.
import { open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { DataError } from "@longcot/errors";
import { RecordBatch, RecordBatchReader, Schema } from "apache-arrow";
import { COLUMN_ALIGNMENT_BYTES, type Arena, type ArenaRegion } from "./arena.ts";
import { CHECKSUM_PLACEHOLDER, checkFileChecksum, checksumOfChunks, sliceForCalls } from "./file-checksum.ts";
import { BUFFER_FILE_OFFSET, viewFileChunks } from "./file-encoding.ts";
import { viewRecordBatchColumns } from "./record-batch.ts";
import { fromSchemaMetadata, toSchemaMetadata } from "./rollout-metadata.ts";
import { Rollouts } from "./rollouts.ts";

/**
 * Writes `rollouts` to `path` durably: to `path + ".tmp"`, synced to the disk, renamed over `path`, the folder synced. A reader, or a
 * restart after a crash at any moment, finds the old file, no file, or the whole new one. Equal rows give equal bytes. Columns go to
 * the disk from where they lie, without a copy.
 *
 * @throws the file system's own error (no space, no permission); the temporary file is removed then.
 */
export async function writeRolloutFile(path: string, rollouts: Rollouts): Promise<void> {
  const temporary = `${path}.tmp`;
  const chunks = encodeWithChecksum(rollouts);
  try {
    const file = await open(temporary, "w");
    try {
      for (const chunk of chunks) for (const piece of sliceForCalls(chunk)) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Encoded twice, which costs only the metadata: with the placeholder for the checksum, then with the checksum. */
function encodeWithChecksum(rollouts: Rollouts): Uint8Array<ArrayBufferLike>[] {
  const batch = rollouts.viewRecordBatch();
  const encode = (checksum: string): Uint8Array<ArrayBufferLike>[] =>
    viewFileChunks(new RecordBatch(new Schema(batch.schema.fields, toSchemaMetadata(rollouts.metadata, checksum)), batch.data));
  return encode(checksumOfChunks(encode(CHECKSUM_PLACEHOLDER)));
}

/**
 * Reads a step back: one read of the whole file, checksum, schema version, dtypes, nulls and lengths checked, columns viewed where they
 * were read. With `arena` the bytes lie in its shared memory, 64-byte aligned (`Rollouts.viewAligned`), until `Rollouts.free`;
 * without, in an ordinary ArrayBuffer that the garbage collector owns.
 *
 * @throws DataError naming the file, when it is missing, cut short, damaged, foreign or of another schema version; ConfigError when it does
 * not fit the arena.
 */
export async function readRolloutFile(path: string, { arena }: { arena?: Arena } = {}): Promise<Rollouts> {
  const who = "readRolloutFile";
  const { bytes, region } = await readBytes(who, path, arena);
  try {
    checkFileChecksum(who, path, bytes);
    const batch = parse(who, path, bytes);
    const metadata = fromSchemaMetadata(who, path, batch.schema.metadata);
    return new Rollouts(viewRecordBatchColumns(who, path, batch), metadata, region);
  } catch (error) {
    region?.free();
    throw error;
  }
}

async function readBytes(
  who: string,
  path: string,
  arena: Arena | undefined,
): Promise<{ bytes: Uint8Array<ArrayBufferLike>; region?: ArenaRegion }> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new DataError({
      who,
      argument: path,
      expected: "a rollout file",
      received: "a path that cannot be read",
      cause,
    });
  });
  if (!found.isFile())
    throw new DataError({
      who,
      argument: path,
      expected: "a rollout file",
      received: "something that is not a file",
    });
  const lead = COLUMN_ALIGNMENT_BYTES - BUFFER_FILE_OFFSET;
  const region = arena?.allocate([{ column: `(file ${basename(path)})`, byteLength: lead + found.size }]);
  const bytes =
    arena === undefined || region === undefined
      ? new Uint8Array(found.size)
      : new Uint8Array(arena.buffer, region.byteOffsets[0]! + lead, found.size);
  const file = await open(path, "r");
  try {
    let done = 0;
    for (const piece of sliceForCalls(bytes)) {
      for (let at = 0; at < piece.byteLength;) {
        const { bytesRead } = await file.read(piece, at, piece.byteLength - at, done);
        if (bytesRead === 0)
          throw new DataError({
            who,
            argument: path,
            expected: `${found.size} bytes long`,
            received: `${done} bytes: it shrank while it was read`,
          });
        at += bytesRead;
        done += bytesRead;
      }
    }
  } catch (error) {
    region?.free();
    throw error;
  } finally {
    await file.close();
  }
  return region === undefined ? { bytes } : { bytes, region };
}

function parse(who: string, path: string, bytes: Uint8Array<ArrayBufferLike>): RecordBatch {
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
  return batches[0]!;
}
