// Sequences packed into the rows that a model sees: several in one row, positions starting again at each.

import * as tf from "@tensorflow/tfjs-core";
import { embed } from "@longcot/tensor-kernels";

/** Where the sequences of a batch lie in packed rows. Every row begins with a sequence. */
export interface Packing {
  rows: number;
  time: number;
  /** Of each sequence in the batch's order. */
  places: readonly { row: number; start: number; length: number }[];
}

/** Ids and positions of the packed rows, `[rows, time]` row-major; padding is a sequence of one token, id 0, each. `idsOf` gives a sequence by its place in the batch. */
export function packTokens({ rows, time, places }: Packing, idsOf: (sequence: number) => Int32Array) {
  const inputIds = new Int32Array(rows * time);
  const positions = new Int32Array(rows * time);
  places.forEach(({ row, start, length }, sequence) => {
    inputIds.set(idsOf(sequence), row * time + start);
    for (let t = 0; t < length; t++) positions[row * time + start + t] = t;
  });
  return { inputIds, positions };
}

/** For a `[rows, time]` grid of a sequence to a row, padded on the right, the flat index of each token in the packed rows; that of padding is 0. */
export function unpackingIndices(packing: Packing, grid: { rows: number; time: number }): Int32Array {
  const indices = new Int32Array(grid.rows * grid.time);
  packing.places.forEach(({ row, start, length }, sequence) => {
    for (let t = 0; t < length; t++) indices[sequence * grid.time + t] = row * packing.time + start + t;
  });
  return indices;
}

/** Values of `width` a token, from a grid `[gridRows, gridTime, width]` of a sequence to a row to the packed rows; 0 elsewhere. */
export function packValues(packing: Packing, values: Int32Array, { time, width }: { time: number; width: number }): Int32Array {
  const packed = new Int32Array(packing.rows * packing.time * width);
  packing.places.forEach(({ row, start, length }, sequence) => {
    const from = sequence * time * width;
    packed.set(values.subarray(from, from + length * width), (row * packing.time + start) * width);
  });
  return packed;
}

/**
 * Returns the values of packed rows as a grid of a sequence to a row.
 *
 * Shapes: `packed [rows, time] f32`, `indices [gridRows, gridTime] int32` of {@link unpackingIndices} → `[gridRows, gridTime] f32`; padding gets
 * `packed[0, 0]`, a first token's value.
 * Gradient: wrt packed, the sum over the grid's tokens that were read from it.
 */
export function unpack(packed: tf.Tensor, indices: tf.Tensor): tf.Tensor2D {
  return tf.reshape(embed(tf.reshape(packed, [packed.size, 1]), indices), indices.shape as [number, number]);
}

/** {@link unpack} of `packed [rows, time, width] f32` → `[gridRows, gridTime, width]`. */
export function unpackWide(packed: tf.Tensor3D, indices: tf.Tensor): tf.Tensor3D {
  const [rows, time, width] = packed.shape;
  return embed(tf.reshape(packed, [rows * time, width]), indices) as tf.Tensor3D;
}
