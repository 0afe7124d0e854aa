// A parameter's values between a checkpoint's tensors and our layout, both ways, and new ones.

import { DataError } from "@longcot/errors";
import { fillKeyedNormals } from "@longcot/tensor-kernels";
import type { TensorFile } from "../files/safetensors.ts";
import type { Parameter } from "./architecture.ts";

/** Rows and columns of the tiles that a matrix is transposed in: two tiles stay in the nearest cache. */
const TILE = 32;

/**
 * Writes the values of `parameter` into `out`, read from `checkpoint` a few megabytes at a time.
 * @throws DataError where a tensor is missing, of another shape, or damaged.
 */
export async function readParameterInto(out: Float32Array, parameter: Parameter, checkpoint: TensorFile): Promise<void> {
  const columns = parameter.shape.at(-1)!;
  let column = 0;
  for (const { tensor, shape } of parameter.parts) {
    checkTensorShape(checkpoint, tensor, shape);
    const inSize = shape[1] ?? 1;
    const offset = column;
    await checkpoint.streamFloat32(
      tensor,
      (values, from) => {
        if (parameter.layout === "plain") out.set(values, from);
        else transposeInto(out, offset + from / inSize, columns, values, inSize);
      },
      inSize,
    );
    column += shape[0]!;
  }
}

function checkTensorShape(checkpoint: TensorFile, tensor: string, shape: readonly number[]): void {
  const entry = checkpoint.tensors.get(tensor);
  if (entry !== undefined && entry.shape.join() === shape.join()) return;
  throw new DataError({
    who: checkpoint.path,
    argument: `tensor ${JSON.stringify(tensor)}`,
    expected: `of shape [${shape.join(", ")}], as the config says`,
    received: entry === undefined ? "no such tensor" : `[${entry.shape.join(", ")}]`,
  });
}

/** Writes the rows of `values [rows, width]` as columns of `out`, whose own rows have `columns` elements, from column `first` on. */
function transposeInto(out: Float32Array, first: number, columns: number, values: Float32Array, width: number): void {
  const rows = values.length / width;
  for (let tileRow = 0; tileRow < rows; tileRow += TILE) {
    const endRow = Math.min(rows, tileRow + TILE);
    for (let tileColumn = 0; tileColumn < width; tileColumn += TILE) {
      const endColumn = Math.min(width, tileColumn + TILE);
      for (let i = tileColumn; i < endColumn; i++)
        for (let row = tileRow; row < endRow; row++) out[i * columns + first + row] = values[row * width + i]!;
    }
  }
}

/** A checkpoint's tensor as `values` of `parameter` hold it, part `part`; that of a plain parameter is returned without a copy. */
export function partOfParameter(parameter: Parameter, values: Float32Array, part: number): Float32Array {
  if (parameter.layout === "plain") return values;
  const columns = parameter.shape.at(-1)!;
  const [outSize, inSize] = [parameter.parts[part]!.shape[0]!, parameter.parts[part]!.shape[1] ?? 1];
  const first = parameter.parts.slice(0, part).reduce((sum, { shape }) => sum + shape[0]!, 0);
  const out = new Float32Array(outSize * inSize);
  for (let tileRow = 0; tileRow < outSize; tileRow += TILE) {
    const endRow = Math.min(outSize, tileRow + TILE);
    for (let tileColumn = 0; tileColumn < inSize; tileColumn += TILE) {
      const endColumn = Math.min(inSize, tileColumn + TILE);
      for (let row = tileRow; row < endRow; row++)
        for (let i = tileColumn; i < endColumn; i++) out[row * inSize + i] = values[i * columns + first + row]!;
    }
  }
  return out;
}

/** Every checkpoint tensor that `values` of `parameter` hold. */
export function partsOfParameter(
  parameter: Parameter,
  values: Float32Array,
): { tensor: string; shape: readonly number[]; values: Float32Array }[] {
  return parameter.parts.map((part, index) => ({ ...part, values: partOfParameter(parameter, values, index) }));
}

/** Writes new values of `parameter` into `out`, keyed by `seed` and its name. */
export function initializeInto(out: Float32Array, parameter: Parameter, options: { seed: number; standardDeviation: number }): void {
  if (parameter.initial === "normal")
    fillKeyedNormals(out, { seed: options.seed, stream: parameter.name, mean: 0, standardDeviation: options.standardDeviation });
  else out.fill(parameter.initial);
}
