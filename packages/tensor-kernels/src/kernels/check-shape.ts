// The one shape check of the kernels: runs when a kernel is called or traced, never per element.
import type * as tf from "@tensorflow/tfjs-core";
import { ShapeError } from "@longcot/errors";

/** A dimension's name when any size will do, or the size that it must have. */
type DimensionPattern = string | number;

/**
 * Returns the sizes of `tensor`'s dimensions after checking them against `pattern`: one entry per dimension, a name for any
 * size or a number for exactly this size.
 * @throws ShapeError when the rank, a size or the dtype differs.
 */
export function checkShape<const Pattern extends readonly DimensionPattern[]>(
  who: string,
  argument: string,
  tensor: tf.Tensor,
  pattern: Pattern,
  dtype: "float32" | "int32" = "float32",
): { [K in keyof Pattern]: number } {
  const fits =
    tensor.shape.length === pattern.length && pattern.every((want, axis) => typeof want === "string" || want === tensor.shape[axis]);
  if (!fits || tensor.dtype !== dtype) {
    throw new ShapeError({
      who,
      argument,
      expected: `${dtype} [${pattern.join(", ")}]`,
      received: `${tensor.dtype} [${tensor.shape.join(", ")}]`,
    });
  }
  return tensor.shape as unknown as { [K in keyof Pattern]: number };
}

/**
 * Returns `[rows, columns]` of `tensor` read as a matrix of its last dimension: `[..., columns]` is `[rows, columns]`.
 * @throws ShapeError when the tensor is a scalar, not float32, or its last dimension is not `columns`.
 */
export function checkRows(who: string, argument: string, tensor: tf.Tensor, columns?: number): [rows: number, columns: number] {
  const last = tensor.shape.at(-1);
  if (last === undefined || tensor.dtype !== "float32" || (columns !== undefined && last !== columns)) {
    throw new ShapeError({
      who,
      argument,
      expected: `float32 [..., ${columns ?? "n"}]`,
      received: `${tensor.dtype} [${tensor.shape.join(", ")}]`,
    });
  }
  return [tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1), last];
}
