// A record batch as the chunks of an Arrow IPC file. Two things differ from apache-arrow's own writer: columns are not copied
// (each chunk is a view of the step's memory), and every buffer lies at 8 mod 64 in the file, so that one read puts all columns at
// 64-byte-aligned addresses. It also writes the schema message, which readers of the streaming part need and apache-arrow leaves out.
import {
  CompressionType,
  Message,
  RecordBatchFileWriter,
  type MessageHeader,
  type RecordBatch,
  type Schema,
  type Vector,
} from "apache-arrow";
import { COLUMN_ALIGNMENT_BYTES } from "./arena.ts";
import { registerCodec, type FileCompression } from "./file-compression.ts";

/** File offset of every buffer, modulo 64: what the leading magic takes. A file read to 56 mod 64 has its columns aligned. */
export const BUFFER_FILE_OFFSET = 8;

/** Stands in place of the length before a buffer that packing would not make smaller. */
const NOT_PACKED = -1n;

class AlignedFileWriter extends RecordBatchFileWriter {
  readonly chunks: Uint8Array<ArrayBufferLike>[] = [];
  /** Those of the chunks that hold the schema and its metadata. */
  readonly schemaChunks: Uint8Array<ArrayBufferLike>[] = [];
  readonly #isCompressed: boolean;

  constructor(compression: FileCompression) {
    super({ compressionType: compression === "zstd" ? CompressionType.ZSTD : null });
    this.#isCompressed = compression !== "none";
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (!this._started || chunk.byteLength === 0) return this;
    this.chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this._position += chunk.byteLength;
    return this;
  }

  protected override _writeSchema(schema: Schema): this {
    super._writeSchema(schema);
    const from = this.chunks.length;
    this._writeMessage(Message.from(schema));
    this.schemaChunks.push(...this.chunks.slice(from));
    return this;
  }

  protected override _writeFooter(schema: Schema): this {
    const from = this.chunks.length;
    super._writeFooter(schema);
    this.schemaChunks.push(...this.chunks.slice(from));
    return this;
  }

  /** Messages take multiples of 64 bytes, so each body starts where the magic ended, modulo 64. */
  protected override _writeMessage<T extends MessageHeader>(message: Message<T>): this {
    return super._writeMessage(message, COLUMN_ALIGNMENT_BYTES);
  }

  /** Before each packed buffer stands its length unpacked, as the format asks; apache-arrow 21 writes its length packed, which pyarrow refuses. */
  protected override _compressBodyBuffers(buffers: ArrayBufferView[]): ReturnType<RecordBatchFileWriter["_compressBodyBuffers"]> {
    const packed = super._compressBodyBuffers(buffers);
    buffers.forEach(({ byteLength }, i) => {
      const prefix = packed.buffers[2 * i]!;
      if (prefix.byteLength === 0) return;
      const length = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
      if (length.getBigInt64(0, true) !== NOT_PACKED) length.setBigInt64(0, BigInt(byteLength), true);
    });
    return packed;
  }

  /** Spreads a body's buffers to multiples of 64; compressed ones nobody views. */
  protected override _assembleRecordBatch(batch: RecordBatch | Vector): ReturnType<RecordBatchFileWriter["_assembleRecordBatch"]> {
    const assembled = super._assembleRecordBatch(batch);
    if (this.#isCompressed) return assembled;
    const buffers: ArrayBufferView[] = [];
    let byteLength = 0;
    assembled.bufferRegions.forEach((region, i) => {
      const gap = -region.length & (COLUMN_ALIGNMENT_BYTES - 1);
      region.offset = byteLength;
      byteLength += region.length + gap;
      buffers.push(assembled.buffers[i]!, new Uint8Array(gap));
    });
    return { ...assembled, byteLength, buffers };
  }
}

/**
 * The bytes of an Arrow IPC file with the one `batch`, in order, and those of them that hold the schema's metadata. Aliasing:
 * uncompressed, chunks of columns are views of the batch's memory; those of the schema are new.
 */
export function viewFileChunks(
  batch: RecordBatch,
  compression: FileCompression = "none",
): { chunks: Uint8Array<ArrayBufferLike>[]; schemaChunks: Uint8Array<ArrayBufferLike>[] } {
  if (compression !== "none") registerCodec();
  const writer = new AlignedFileWriter(compression);
  writer.write(batch);
  writer.finish();
  return writer;
}
