// One entry of every row of a matrix, by flat index: the wasm backend's batched gather reads out of bounds.
import * as tf from "@tensorflow/tfjs-core";
import { ShapeError } from "@longcot/errors";
import { traceOptions } from "../engine/trace-backend.ts";

const INT32_LIMIT = 2 ** 31;

/**
 * Returns the flat index of entry `columns[row]` of every row of a `[rows, size]` matrix.
 *
 * Shapes: `columns [rows] int32` → `[rows] int32`.
 * @throws ShapeError when the matrix has more entries than int32 can number.
 */
function flatIndices(columns: tf.Tensor, size: number): tf.Tensor1D {
  const rows = columns.size;
  if (rows * size >= INT32_LIMIT)
    throw new ShapeError({
      who: "flatIndices",
      argument: "columns",
      expected: `rows × columns below ${INT32_LIMIT}`,
      received: `${rows} × ${size}`,
      fix: "Use fewer rows at a time.",
    });
  const starts = Int32Array.from({ length: rows }, (_, row) => row * size);
  return tf.add(columns, tf.tensor1d(starts, "int32"));
}

/**
 * Returns `matrix` with `values[row]` added at `columns[row]` of every row. No gradient.
 *
 * Shapes: `matrix [rows, size] f32`, `columns [rows] int32`, `values [rows] f32` → `[rows, size] f32`.
 * On a CPU one write for each row; on a GPU, which writes in no fixed order, and through XLA a choice for each entry.
 */
export function addAtColumn(matrix: tf.Tensor, columns: tf.Tensor, values: tf.Tensor): tf.Tensor {
  const [rows, size] = matrix.shape as [number, number];
  const options = traceOptions();
  if (options?.gpu === true || options?.xla === true) {
    const places = tf.tensor1d(
      Int32Array.from({ length: size }, (_, place) => place),
      "int32",
    );
    const isColumn = tf.equal(places, tf.reshape(columns, [rows, 1]));
    return tf.where(isColumn, tf.add(matrix, tf.reshape(values, [rows, 1])), matrix);
  }
  const flat = tf.reshape(matrix, [rows * size]);
  const positions = flatIndices(columns, size);
  const sums = tf.add(tf.gather(flat, positions), values);
  return tf.reshape(tf.tensorScatterUpdate(flat, tf.reshape(positions, [rows, 1]), sums), [rows, size]);
}

/** Returns `matrix[row, columns[row]]`. Shapes: `matrix [rows, size] f32`, `columns [rows] int32` → `[rows] f32`. */
export function pickColumn(matrix: tf.Tensor, columns: tf.Tensor): tf.Tensor {
  return tf.gather(tf.reshape(matrix, [matrix.size]), flatIndices(columns, matrix.shape[1]!));
}
