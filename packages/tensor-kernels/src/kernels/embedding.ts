// Rows of a table by index, with a gradient that adds up the rows used twice.
import * as tf from "@tensorflow/tfjs-core";
import { checkShape } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";
import { traceOptions } from "../engine/trace-backend.ts";
import { ShapeError } from "@longcot/errors";

/** Bytes of a matrix of ones and zeros, through XLA: beyond, several products are added up. */
const ONES_BYTES = 512 * 1024 * 1024;

/**
 * Returns `table[ids]`.
 *
 * Shapes: `table [vocab, model] f32`, `ids [...] int32` in [0, vocab) → `[..., model] f32`. The ids are not range-checked
 * (their values are unknown while tracing): what an id outside the table gives is the backend's choice.
 * Gradient: dtable[i] = Σ dy over the positions whose id is i.
 * @throws ShapeError when `table` is not a matrix or `ids` not int32.
 */
export function embed(table: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  const [vocab, model] = checkShape("embed", "table", table, ["vocab", "model"]);
  if (ids.dtype !== "int32")
    throw new ShapeError({
      who: "embed",
      argument: "ids",
      expected: "int32 [...]",
      received: `${ids.dtype} [${ids.shape.join(", ")}]`,
    });
  const flatIds = tf.reshape(ids, [ids.size]);
  const rows = customGradient(
    [table],
    () => ({ value: tf.gather(table, flatIds as tf.Tensor1D), saved: [flatIds] }),
    (gradient, [saved]) => [sumRows(gradient as tf.Tensor2D, saved as tf.Tensor1D, vocab)],
  );
  return tf.reshape(rows, [...ids.shape, model]);
}

/**
 * Σ over i of rows[i] at row ids[i] of a table of `vocab` rows: `rows [n, model] f32`, `ids [n] int32` → `[vocab, model] f32`. One scatter, which sums what is there twice on
 * every backend, but where that is slow: on a GPU, where a sum must have one order, TensorFlow scatters on the host; of XLA's scatter every row is a turn of a loop.
 */
function sumRows(rows: tf.Tensor2D, ids: tf.Tensor1D, vocab: number): tf.Tensor {
  const [count, model] = rows.shape;
  const options = traceOptions();
  if (options?.xla === true) {
    const atOnce = Math.max(1, Math.floor(ONES_BYTES / (4 * vocab)));
    const parts = Array.from({ length: Math.ceil(count / atOnce) }, (_, part) => {
      const begin = part * atOnce;
      const size = Math.min(atOnce, count - begin);
      const ones = tf.oneHot(tf.slice(ids, begin, size), vocab, 1, 0, "float32") as tf.Tensor2D;
      return tf.matMul(ones, tf.slice(rows, [begin, 0], [size, model]), true);
    });
    return parts.reduce((sum, part) => tf.add(sum, part));
  }
  if (options?.gpu === true) return tf.unsortedSegmentSum(rows, ids, vocab);
  return tf.scatterND(tf.reshape(ids, [count, 1]), rows, [vocab, model]);
}
