// Writing a safetensors file that transformers, vLLM and SGLang load as is; tensors are fetched one at a time, so that none is held twice.
import { writeFile } from "node:fs/promises";
import { atomicFile } from "@longcot/durable-files";
import { DataError, ShapeError } from "@longcot/errors";
import { narrowToBfloat16, narrowToFloat16, type WeightDtype } from "./half-precision.ts";
import { BYTES_PER_ELEMENT, HEADER_ALIGNMENT_BYTES, HEADER_LENGTH_BYTES } from "./safetensors-header.ts";

/** Elements converted and written at a time. */
const WRITE_CHUNK_ELEMENTS = 2 ** 21;

const DTYPE_NAMES = { float32: "F32", bfloat16: "BF16", float16: "F16" } as const satisfies Record<
  WeightDtype,
  keyof typeof BYTES_PER_ELEMENT
>;

/** A tensor to be written. */
export interface TensorSource {
  name: string;
  shape: readonly number[];
  /** The values, row-major; asked for once, when their turn comes, and let go afterwards. */
  data: Float32Array | (() => Float32Array | Promise<Float32Array>);
}

/** How tensors are written. */
export interface WriteSafetensorsOptions {
  /** Element type on disk; narrowing rounds to nearest, ties to even. Default `float32`. */
  dtype?: WeightDtype;
  /** Strings added to the header beside `format: pt`, which transformers asks for. */
  metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes `tensors` to the file `path`, whole or not at all.
 * @throws DataError where a name comes twice or is `__metadata__`; ShapeError where values and shape disagree; NumericError where a finite
 * value does not fit the dtype.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorSource[],
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  const { dtype = "float32", metadata = {} } = options;
  const header = encodeHeader(path, tensors, DTYPE_NAMES[dtype], { format: "pt", ...metadata });
  await atomicFile(path, (aside) => writeFile(aside, contentOf(path, header, tensors, dtype)));
}

async function* contentOf(
  path: string,
  header: Uint8Array,
  tensors: readonly TensorSource[],
  dtype: WeightDtype,
): AsyncGenerator<Uint8Array> {
  yield header;
  for (const tensor of tensors) {
    const values = typeof tensor.data === "function" ? await tensor.data() : tensor.data;
    if (values.length !== elementCount(tensor)) {
      throw new ShapeError({
        who: path,
        argument: `tensor ${JSON.stringify(tensor.name)}`,
        expected: `${elementCount(tensor)} values for shape [${tensor.shape.join(", ")}]`,
        received: String(values.length),
      });
    }
    for (let done = 0; done < values.length; done += WRITE_CHUNK_ELEMENTS)
      yield encodeValues(values.subarray(done, done + WRITE_CHUNK_ELEMENTS), dtype);
  }
}

function encodeHeader(
  path: string,
  tensors: readonly TensorSource[],
  dtypeName: keyof typeof BYTES_PER_ELEMENT,
  metadata: Record<string, string>,
): Uint8Array {
  const fields = new Map<string, unknown>([["__metadata__", metadata]]);
  let begin = 0;
  for (const tensor of tensors) {
    if (fields.has(tensor.name))
      throw new DataError({
        who: path,
        expected: "each tensor name once",
        received: `${JSON.stringify(tensor.name)} again`,
      });
    const end = begin + elementCount(tensor) * BYTES_PER_ELEMENT[dtypeName];
    fields.set(tensor.name, { dtype: dtypeName, shape: tensor.shape, data_offsets: [begin, end] });
    begin = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)));
  const paddedLength = Math.ceil(text.length / HEADER_ALIGNMENT_BYTES) * HEADER_ALIGNMENT_BYTES;
  const header = new Uint8Array(HEADER_LENGTH_BYTES + paddedLength).fill(" ".charCodeAt(0));
  new DataView(header.buffer).setBigUint64(0, BigInt(paddedLength), true);
  header.set(text, HEADER_LENGTH_BYTES);
  return header;
}

function encodeValues(values: Float32Array, dtype: WeightDtype): Uint8Array {
  const encoded = dtype === "float32" ? values : dtype === "bfloat16" ? narrowToBfloat16(values) : narrowToFloat16(values);
  return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength);
}

/** Bytes of the tensor's values on disk. */
export function bytesOf(tensor: TensorSource, dtype: WeightDtype): number {
  return elementCount(tensor) * BYTES_PER_ELEMENT[DTYPE_NAMES[dtype]];
}

function elementCount(tensor: TensorSource): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}
