// Parquet bytes to raw rows, with hyparquet; gzip, brotli and zstd by Node's own zlib.
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { DataError } from "@longcot/errors";
import { parquetMetadata, parquetReadObjects, parquetSchema, type Compressors } from "hyparquet";
import { isRecord, type RawFile, type RawRow } from "./row-fields.ts";

const COMPRESSORS: Compressors = {
  GZIP: (input) => new Uint8Array(gunzipSync(input)),
  BROTLI: (input) => new Uint8Array(brotliDecompressSync(input)),
  ZSTD: (input) => new Uint8Array(zstdDecompressSync(input)),
};

/**
 * All rows of a parquet file. Structs become objects, lists arrays, 64-bit integers numbers where these hold them exactly.
 * @throws DataError naming `path` when the bytes are no complete parquet file or a page does not decode.
 */
export async function readParquetRows(path: string, bytes: Uint8Array): Promise<RawFile> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  try {
    const metadata = parquetMetadata(file);
    const rows = await parquetReadObjects({ file, metadata, compressors: COMPRESSORS });
    const expected = Number(metadata.num_rows);
    if (rows.length !== expected) throw new Error(`${rows.length} rows where its footer promises ${expected}`);
    return {
      rows: rows.map((row) => plainValues(row) as RawRow),
      columns: parquetSchema(metadata).children.map((child) => child.element.name),
    };
  } catch (cause) {
    throw new DataError({
      who: path,
      expected: "a complete parquet file",
      received: `a truncated or corrupt one (${(cause as Error).message})`,
      cause,
    });
  }
}

/** `value` with bigints that are safe integers turned into numbers and absent ones into null, in objects and arrays too. */
function plainValues(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint") return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  if (Array.isArray(value)) return value.map(plainValues);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainValues(item)]));
}
