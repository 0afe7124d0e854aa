// Rows of Arrow IPC files and streams (Feather V2, the files that `datasets` keeps), a record batch at a time.
import { open } from "node:fs/promises";
import { zstdDecompressSync } from "node:zlib";
import { CompressionType, compressionRegistry, RecordBatchReader, type RecordBatch } from "apache-arrow";
import { DataError } from "@longcot/errors";

/** Rows handed on at a time: a record batch may hold many more. */
const ROWS = 1024;

/** The rows of `path` as plain objects of JSON's types. @throws DataError for a file that is no Arrow IPC, or compressed with LZ4. */
export async function* arrowRows(path: string): AsyncGenerator<Record<string, unknown>[]> {
  compressionRegistry.set(CompressionType.ZSTD, { decode: (data) => zstdDecompressSync(data) });
  const file = await open(path);
  try {
    const reader = await RecordBatchReader.from(file);
    await reader.open();
    for await (const batch of reader as AsyncIterable<RecordBatch>) {
      for (let from = 0; from < batch.numRows; from += ROWS) {
        const rows: Record<string, unknown>[] = [];
        for (let i = from; i < Math.min(batch.numRows, from + ROWS); i++) rows.push(plain(batch.get(i)) as Record<string, unknown>);
        yield rows;
      }
    }
  } catch (cause) {
    if ((cause as Error).message.includes("codec not found"))
      throw new DataError({
        who: path,
        expected: "Arrow data as it is, or compressed with zstd",
        received: "LZ4",
        fix: 'Write it with compression="zstd"',
        cause,
      });
    throw cause;
  } finally {
    await file.close();
  }
}

/** A cell as JSON would have it: lists and structs by their parts, whole numbers as numbers where they are exact, else as text. */
function plain(value: unknown): unknown {
  if (value === null || value === undefined || typeof value !== "object") {
    if (typeof value !== "bigint") return typeof value === "number" && !Number.isFinite(value) ? String(value) : (value ?? null);
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>, plain);
  const { toJSON } = value as { toJSON?: () => unknown };
  const json = toJSON === undefined ? value : toJSON.call(value);
  if (Array.isArray(json)) return json.map(plain);
  if (typeof json !== "object" || json === null) return plain(json);
  return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, plain(item)]));
}
