// Reading a safetensors file tensor by tensor: only the header and what is asked for ever enters memory.
// The format is little-endian, and so is every platform that Node.js releases for except s390x and AIX, which are not supported.
import { open, type FileHandle } from "node:fs/promises";
import { DataError } from "@longcot/errors";
import { widenBfloat16Into, widenFloat16Into } from "./half-precision.ts";
import { BYTES_PER_ELEMENT, checkHeaderLength, HEADER_LENGTH_BYTES, parseHeader, type TensorEntry } from "./safetensors-header.ts";

/** Elements read and widened at a time: the extra memory of streaming a tensor, 6 MiB, does not grow with the tensor. */
const CHUNK_ELEMENTS = 2 ** 20;
/** One read call moves at most this many bytes: Linux itself stops at 2 GiB less a page. */
const MAXIMUM_READ_BYTES = 2 ** 30;

/** A tensor's values in the array type of its dtype; 16-bit and 8-bit floats as raw patterns. */
export type TensorData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>;

/** Tensors on disk, in one file or many. Tensors are read when asked for and never kept. */
export interface TensorFile {
  /** What `path` was opened as, for messages. */
  readonly path: string;
  /** Name to dtype, shape and byte range. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The `__metadata__` strings; of a sharded checkpoint, the index's `metadata` as strings. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * A fresh copy of the tensor's values: F32 → Float32Array, I64 → BigInt64Array, BOOL → Uint8Array …; BF16 and F16 → Uint16Array of raw
   * patterns, F8 → Uint8Array.
   * @throws DataError where there is no such tensor or the file has shrunk since it was opened.
   */
  read(name: string): Promise<TensorData>;
  /**
   * A fresh copy of the tensor's values as float32: F32 as it is, BF16 and F16 widened exactly.
   * @throws DataError as `read`, and where the dtype has no exact float32 (F64, integers).
   */
  readFloat32(name: string): Promise<Float32Array<ArrayBuffer>>;
  /**
   * The values that {@link readFloat32} gives, a part at a time, in order: `use` gets them and the index of the first. They are valid during
   * the call only. Every part but the last is a multiple of `multipleOf` elements (1), such as a matrix's row.
   * @throws DataError as `readFloat32`.
   */
  streamFloat32(name: string, use: (values: Float32Array, from: number) => void, multipleOf?: number): Promise<void>;
  /** Closes the file(s). Reading afterwards fails. */
  close(): Promise<void>;
}

/**
 * Opens the safetensors file `path` and checks its header.
 * @throws DataError, one line naming file and tensor, where the file is missing, truncated or inconsistent.
 */
export async function openSafetensors(path: string): Promise<TensorFile> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (cause) {
    const received = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (cause as Error).message;
    throw new DataError({ who: path, expected: "a safetensors file", received, cause });
  }
  try {
    const { size } = await handle.stat();
    const prefix = await readRange(handle, path, 0, Math.min(HEADER_LENGTH_BYTES, size));
    const headerBytes = checkHeaderLength(prefix, path, size);
    const header = parseHeader(await readRange(handle, path, HEADER_LENGTH_BYTES, HEADER_LENGTH_BYTES + headerBytes), path, size);
    return safetensorsFile(handle, path, header.tensors, header.metadata);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function safetensorsFile(handle: FileHandle, path: string, tensors: TensorFile["tensors"], metadata: TensorFile["metadata"]): TensorFile {
  // One tensor's chunk serves the next: fresh ones outlive their use until the collector comes, a dozen at a time.
  let spare: Chunk | undefined;
  const takeChunk = (elements: number): Chunk => {
    const chunk = spare !== undefined && spare.widened.length >= elements ? spare : newChunk(elements);
    spare = undefined;
    return chunk;
  };
  return {
    path,
    tensors,
    metadata,
    async read(name) {
      const entry = findTensor(tensors, name, path);
      return viewAs(entry.dtype, await readRange(handle, path, entry.begin, entry.end));
    },
    async readFloat32(name) {
      const { begin, end, dtype } = findTensor(tensors, name, path);
      const out = new Float32Array((end - begin) / BYTES_PER_ELEMENT[dtype]);
      await this.streamFloat32(name, (values, from) => out.set(values, from));
      return out;
    },
    async streamFloat32(name, use, multipleOf = 1) {
      const { dtype, begin, end } = findTensor(tensors, name, path);
      if (dtype !== "F32" && dtype !== "BF16" && dtype !== "F16")
        throw new DataError({ who: path, argument: `tensor ${JSON.stringify(name)}`, expected: "F32, BF16 or F16", received: dtype });
      const bytesEach = BYTES_PER_ELEMENT[dtype];
      const size = (end - begin) / bytesEach;
      const most = Math.min(size, Math.max(1, Math.floor(CHUNK_ELEMENTS / multipleOf)) * multipleOf);
      const chunk = takeChunk(Math.max(most, CHUNK_ELEMENTS));
      const widened = chunk.widened.subarray(0, most);
      for (let from = 0; from < size; from += most) {
        const count = Math.min(most, size - from);
        if (dtype === "F32") await readInto(new Uint8Array(widened.buffer, 0, count * bytesEach), handle, path, begin + from * bytesEach);
        else {
          const patterns = chunk.patterns.subarray(0, count);
          await readInto(new Uint8Array(patterns.buffer, 0, count * bytesEach), handle, path, begin + from * bytesEach);
          (dtype === "BF16" ? widenBfloat16Into : widenFloat16Into)(widened, 0, patterns);
        }
        use(widened.subarray(0, count), from);
      }
      spare = chunk;
    },
    close: () => handle.close(),
  };
}

/** Memory for a part of a tensor: 16-bit patterns as read, and what they are widened to. */
interface Chunk {
  patterns: Uint16Array<ArrayBuffer>;
  widened: Float32Array<ArrayBuffer>;
}

const newChunk = (elements: number): Chunk => ({ patterns: new Uint16Array(elements), widened: new Float32Array(elements) });

/** The entry of `name`. @throws DataError where `path` holds no such tensor. */
export function findTensor(tensors: ReadonlyMap<string, TensorEntry>, name: string, path: string): TensorEntry {
  const entry = tensors.get(name);
  if (entry === undefined) {
    throw new DataError({
      who: path,
      argument: `tensor ${JSON.stringify(name)}`,
      expected: `one of its ${tensors.size} tensors`,
      received: "an unknown name",
    });
  }
  return entry;
}

/** Bytes [begin, end) in a buffer of their own. */
async function readRange(handle: FileHandle, path: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - begin);
  await readInto(bytes, handle, path, begin);
  return bytes;
}

/** Fills `bytes` from the file's byte `begin` on. */
async function readInto(bytes: Uint8Array<ArrayBuffer>, handle: FileHandle, path: string, begin: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(bytes.length - done, MAXIMUM_READ_BYTES), begin + done);
    if (bytesRead === 0)
      throw new DataError({
        who: path,
        expected: `bytes up to ${begin + bytes.length}`,
        received: `the end of the file at ${begin + done}: it shrank while open`,
      });
    done += bytesRead;
  }
}

function viewAs(dtype: TensorEntry["dtype"], bytes: Uint8Array<ArrayBuffer>): TensorData {
  switch (dtype) {
    case "F32":
      return new Float32Array(bytes.buffer);
    case "F64":
      return new Float64Array(bytes.buffer);
    case "I8":
      return new Int8Array(bytes.buffer);
    case "I16":
      return new Int16Array(bytes.buffer);
    case "I32":
      return new Int32Array(bytes.buffer);
    case "I64":
      return new BigInt64Array(bytes.buffer);
    case "BOOL":
    case "U8":
    case "F8_E4M3":
    case "F8_E5M2":
      return bytes;
    case "U16":
    case "F16":
    case "BF16":
      return new Uint16Array(bytes.buffer);
    case "U32":
      return new Uint32Array(bytes.buffer);
    case "U64":
      return new BigUint64Array(bytes.buffer);
  }
}
