// Rows of a table by index, with a gradient that adds up the rows used twice.
import * as tf from "@tensorflow/tfjs-core";
import { checkShape } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";
import { ShapeError } from "@longcot/errors";

/**
 * Returns `table[ids]`.
 *
 * Shapes: `table [vocab, model] f32`, `ids [...] int32` in [0, vocab) → `[..., model] f32`. The ids are not range-checked
 * (their values are unknown while tracing): what an id outside the table gives is the backend's choice.
 * Gradient: dtable[i] = Σ dy over the positions whose id is i, by one scatter (`ScatterNd`, which sums duplicates on every
 * backend; tfjs's own gradient needs `UnsortedSegmentSum`, which the wasm backend lacks).
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
  const scatterIndices = tf.reshape(ids, [ids.size, 1]);
  const rows = customGradient(
    [table],
    () => ({ value: tf.gather(table, flatIds as tf.Tensor1D), saved: [scatterIndices] }),
    (gradient, [indices]) => [tf.scatterND(indices!, gradient, [vocab, model])],
  );
  return tf.reshape(rows, [...ids.shape, model]);
}
