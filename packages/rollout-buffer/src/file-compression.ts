// Compression of a file's columns: Zstandard as Node has it. (Arrow also knows LZ4 frames, which Node lacks and no well-kept pure library offers.)
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { CompressionType, compressionRegistry } from "apache-arrow";

/** `none`: columns are viewed where the file was read. `zstd`: smaller, and copied when read. */
export type FileCompression = "none" | "zstd";

/** Tells apache-arrow, which has formats but no codecs, how to do it. Doing it again changes nothing. */
export function registerCodec(): void {
  if (compressionRegistry.get(CompressionType.ZSTD) !== null) return;
  compressionRegistry.set(CompressionType.ZSTD, {
    encode: (bytes) => zstdCompressSync(bytes),
    decode: (bytes) => alignedCopy(zstdDecompressSync(bytes)),
  });
}

/** Node's small results share a pool at any offset; numbers want theirs at a multiple of 8. */
function alignedCopy(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return bytes.byteOffset % 8 === 0
    ? new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}
