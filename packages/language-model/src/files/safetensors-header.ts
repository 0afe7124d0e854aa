// The header of a safetensors file: its layout, its limits, and every check on it. No input or output here.
// Source: github.com/huggingface/safetensors, README "Format". Checks follow the reference implementation (no holes, no trailing bytes).
// Own code because npm has no library for local files: @huggingface/hub only reads headers of remote repositories, `safetensors` is an empty 0.0.1.
import { DataError } from "@longcot/errors";
import { describeValue, isJsonObject } from "./json-file.ts";

/** The file starts with the header's length in bytes, an unsigned little-endian 64-bit integer. */
export const HEADER_LENGTH_BYTES = 8;
/** The reference implementation's own limit: a longer header is taken for a file that is not safetensors. */
export const MAXIMUM_HEADER_BYTES = 100_000_000;
/** Headers are padded with spaces to this, so that tensor data starts aligned for every element type. */
export const HEADER_ALIGNMENT_BYTES = 8;

/** Bytes per element of each supported dtype, as the header names them. */
export const BYTES_PER_ELEMENT = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

/** A dtype as safetensors headers name it. */
export type SafetensorsDtype = keyof typeof BYTES_PER_ELEMENT;

/** Where one tensor lies in its file. */
export interface TensorEntry {
  dtype: SafetensorsDtype;
  /** Sizes of the dimensions; empty for a scalar. */
  shape: readonly number[];
  /** First byte, counted from the start of the file. */
  begin: number;
  /** One past the last byte, counted from the start of the file. */
  end: number;
}

/** A checked header. */
export interface SafetensorsHeader {
  /** In the order of their bytes in the file. */
  tensors: ReadonlyMap<string, TensorEntry>;
  /** The `__metadata__` strings; empty where the file has none. */
  metadata: Readonly<Record<string, string>>;
}

/**
 * Reads the header length from the first eight bytes of the file `path` of `fileBytes` bytes.
 * @throws DataError where the file is too short for it, or it exceeds {@link MAXIMUM_HEADER_BYTES}.
 */
export function checkHeaderLength(prefix: Uint8Array, path: string, fileBytes: number): number {
  const expected = "a safetensors file";
  if (prefix.length < HEADER_LENGTH_BYTES)
    throw new DataError({
      who: path,
      expected,
      received: `${fileBytes} bytes, too few for a header`,
    });
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAXIMUM_HEADER_BYTES)) {
    throw new DataError({
      who: path,
      expected,
      received: `a header length of ${length} bytes, more than the limit of ${MAXIMUM_HEADER_BYTES}`,
    });
  }
  if (HEADER_LENGTH_BYTES + Number(length) > fileBytes) {
    throw new DataError({
      who: path,
      expected,
      received: `${fileBytes} bytes, though its header alone needs ${HEADER_LENGTH_BYTES + Number(length)}: truncated or not safetensors`,
    });
  }
  return Number(length);
}

/**
 * Checks the header bytes `header` of the file `path` of `fileBytes` bytes.
 * @throws DataError naming file and tensor: not JSON, a name twice, unknown dtype, bad shape, a byte range that overlaps, leaves a
 * hole, leaves the file or disagrees with dtype and shape, or bytes after the last tensor.
 */
export function parseHeader(header: Uint8Array, path: string, fileBytes: number): SafetensorsHeader {
  let text: string;
  let fields: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(header);
    fields = JSON.parse(text);
  } catch (cause) {
    throw new DataError({
      who: path,
      expected: "a safetensors header in JSON",
      received: (cause as Error).message,
      cause,
    });
  }
  if (!isJsonObject(fields))
    throw new DataError({
      who: path,
      expected: "a safetensors header that is a JSON object",
      received: describeValue(fields),
    });
  const twice = findDuplicateKey(text);
  if (twice !== undefined)
    throw new DataError({
      who: path,
      expected: "each name once in the header",
      received: `${JSON.stringify(twice)} twice`,
    });

  const dataBegin = HEADER_LENGTH_BYTES + header.length;
  const entries: [string, TensorEntry][] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name === "__metadata__") metadata = checkMetadata(value, path);
    else entries.push([name, checkTensor(name, value, path, dataBegin)]);
  }
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);

  let covered = dataBegin;
  for (const [name, { begin, end }] of entries) {
    if (begin !== covered) {
      const problem = begin < covered ? "overlaps the tensor before it" : "leaves a hole before it";
      refuseTensor(
        path,
        name,
        "a byte range right after the tensor before it",
        `data_offsets [${begin - dataBegin}, ${end - dataBegin}], which ${problem}`,
      );
    }
    if (end > fileBytes)
      refuseTensor(path, name, "a byte range inside the file", `data up to byte ${end} of a file of ${fileBytes} bytes: truncated`);
    covered = end;
  }
  if (covered !== fileBytes)
    throw new DataError({
      who: path,
      expected: `${covered} bytes, where the last tensor ends`,
      received: `${fileBytes} bytes`,
    });
  return { tensors: new Map(entries), metadata };
}

function checkTensor(name: string, value: unknown, path: string, dataBegin: number): TensorEntry {
  if (!isJsonObject(value)) return refuseTensor(path, name, "an object with dtype, shape and data_offsets", describeValue(value));
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(BYTES_PER_ELEMENT, dtype)) {
    return refuseTensor(path, name, `a dtype of ${Object.keys(BYTES_PER_ELEMENT).join(", ")}`, describeValue(dtype));
  }
  if (!isSizeList(shape)) return refuseTensor(path, name, "a shape of non-negative integers", describeValue(shape));
  if (!isSizeList(offsets) || offsets.length !== 2 || offsets[1]! < offsets[0]!) {
    return refuseTensor(path, name, "data_offsets [begin, end]", describeValue(offsets));
  }
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product, size) => product * size, BYTES_PER_ELEMENT[dtype as SafetensorsDtype]);
  if (bytes !== end - begin) {
    return refuseTensor(
      path,
      name,
      `${bytes} bytes, as ${dtype} of shape [${shape.join(", ")}] takes`,
      `data_offsets that span ${end - begin}`,
    );
  }
  return {
    dtype: dtype as SafetensorsDtype,
    shape,
    begin: dataBegin + begin,
    end: dataBegin + end,
  };
}

function isSizeList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function checkMetadata(value: unknown, path: string): Record<string, string> {
  if (!isJsonObject(value) || !Object.values(value).every((text) => typeof text === "string")) {
    throw new DataError({
      who: path,
      argument: "__metadata__",
      expected: "an object of strings",
      received: describeValue(value),
    });
  }
  return value as Record<string, string>;
}

function refuseTensor(path: string, name: string, expected: string, received: string): never {
  throw new DataError({
    who: path,
    argument: `tensor ${JSON.stringify(name)}`,
    expected,
    received,
  });
}

/** The first key that some object of `json` (valid JSON text) holds twice: `JSON.parse` would keep the last one silently. */
function findDuplicateKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  // Strings whole (followed by a colon: keys), or the braces that open and close objects; everything else is skipped.
  for (const match of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g)) {
    if (match[0] === "{") open.push(new Set());
    else if (match[0] === "}") open.pop();
    else if (match[2] !== undefined) {
      const key = JSON.parse(match[1]!) as string;
      if (open.at(-1)!.has(key)) return key;
      open.at(-1)!.add(key);
    }
  }
  return undefined;
}
