// Rotary position embedding in the half-rotation layout of Hugging Face models.
import * as tf from "@tensorflow/tfjs-core";
import { swapHalves } from "../engine/graph-ops.ts";
import { checkShape } from "./check-shape.ts";
import { customGradient } from "./custom-gradient.ts";

/**
 * Cosines and sines of every position's angles, `[batch, 1, time, headDim] f32` each, as {@link applyRope} multiplies by them: the cosines twice;
 * the sines negated for the first half of a head, as they are for the second.
 */
export interface RopeTables {
  cos: tf.Tensor;
  sin: tf.Tensor;
}

// A position is coarse·256 + fine, and the angles of the two parts are added by the addition theorem. Both parts come from
// constants made in double precision, so that the error does not grow with the position as float32 angles' does
// (1e-4 at position 2048, 2e-3 at 32768), for a table of 256 rows and one of a row per 256 positions.
const FINE_POSITIONS = 256;

/** What the angles depend on beside the position. */
export interface RopeOptions {
  /** Radians that each pair turns per position, `headDim/2` numbers; plain rotary embedding has `theta^(−2i/headDim)`. */
  inverseFrequencies: readonly number[];
  /** Positions are below this, rounded up to a multiple of 256. The tables in a graph are as long. */
  maxPositions: number;
}

/**
 * Returns the cosines and the signed sines of `position · inverseFrequencies[i]`.
 *
 * Shapes: `positions [batch, time] int32` in [0, maxPositions) → `[batch, 1, time, headDim] f32` each, see {@link RopeTables}.
 * Precision: within 2e-7 of double precision at every position.
 * No gradient (positions are integers).
 * @throws ShapeError when `positions` is not an int32 matrix.
 * Source: arXiv 2104.09864 §3.2.2.
 */
export function ropeTables(positions: tf.Tensor, { inverseFrequencies, maxPositions }: RopeOptions): RopeTables {
  const [batch, time] = checkShape("ropeTables", "positions", positions, ["batch", "time"], "int32");
  const half = inverseFrequencies.length;
  const flat = tf.reshape(positions, [batch * time]);
  const block = tf.floorDiv(flat, tf.scalar(FINE_POSITIONS, "int32"));
  const offset = tf.sub(flat, tf.mul(block, tf.scalar(FINE_POSITIONS, "int32")));
  const rows = (count: number, stride: number, indices: tf.Tensor) =>
    tf.split(tf.gather(tf.tensor2d(angleTable(count, stride, inverseFrequencies), [count, 4 * half]), indices as tf.Tensor1D), 2, -1) as [
      tf.Tensor,
      tf.Tensor,
    ];
  const [cosBlock, sinBlock] = rows(Math.ceil(maxPositions / FINE_POSITIONS), FINE_POSITIONS, block);
  const [cosOffset, sinOffset] = rows(FINE_POSITIONS, 1, offset);
  // The signs of two sines cancel in their product, and stay in a sine times a cosine.
  const cos = tf.sub(tf.mul(cosBlock, cosOffset), tf.mul(sinBlock, sinOffset));
  const sin = tf.add(tf.mul(sinBlock, cosOffset), tf.mul(cosBlock, sinOffset));
  return { cos: tf.reshape(cos, [batch, 1, time, 2 * half]), sin: tf.reshape(sin, [batch, 1, time, 2 * half]) };
}

/** Rows `[cos, cos | −sin, sin]` of the angles of positions 0, stride, 2·stride, …, computed in double precision. */
function angleTable(count: number, stride: number, inverseFrequencies: readonly number[]): Float32Array {
  const half = inverseFrequencies.length;
  const table = new Float32Array(count * 4 * half);
  for (let row = 0; row < count; row++) {
    inverseFrequencies.forEach((frequency, i) => {
      const angle = row * stride * frequency;
      const at = row * 4 * half + i;
      table[at] = table[at + half] = Math.cos(angle);
      table[at + 3 * half] = Math.sin(angle);
      table[at + 2 * half] = -table[at + 3 * half]!;
    });
  }
  return table;
}

/**
 * Returns `x` with every pair (x[i], x[i + headDim/2]) rotated by its position's angle.
 *
 * Shapes: `x [batch, heads, time, headDim] f32`, tables from {@link ropeTables} → `[batch, heads, time, headDim] f32`.
 * Gradient: the rotation by the negative angle, wrt `x` alone. Saves only the tables.
 * @throws ShapeError when the tables are not of `x`'s batch, time and headDim.
 */
export function applyRope(x: tf.Tensor, tables: RopeTables): tf.Tensor {
  const [batch, , time, headDim] = checkShape("applyRope", "x", x, ["batch", "heads", "time", "headDim"]);
  checkShape("applyRope", "tables.cos", tables.cos, [batch, 1, time, headDim]);
  checkShape("applyRope", "tables.sin", tables.sin, [batch, 1, time, headDim]);
  return customGradient(
    [x],
    () => ({ value: tf.add(tf.mul(x, tables.cos), tf.mul(swapHalves(x), tables.sin)), saved: [tables.cos, tables.sin] }),
    (gradient, [cos, sin]) => [tf.sub(tf.mul(gradient, cos!), tf.mul(swapHalves(gradient), sin!))],
  );
}
