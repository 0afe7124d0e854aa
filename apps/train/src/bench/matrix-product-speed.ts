// How fast an engine multiplies matrices, through a compiled function: the figure that most of training follows.
import * as tf from "@tensorflow/tfjs-core";
import type { Engine } from "@longcot/tensor-kernels";
import { median } from "./median.ts";

const SIZE = 1024;
const BUDGET_MS = 1_500;
const MOST_RUNS = 20;
const FLOATING_POINT_OPERATIONS = 2 * SIZE ** 3;

/** Median GFLOP/s of float32 products of two 1024×1024 matrices, measured for at most two seconds or one run, whichever is longer. */
export async function measureMatrixProduct(engine: Engine): Promise<number> {
  const spec = { shape: [SIZE, SIZE], dtype: "float32" } as const;
  const left = await engine.variable("matrix_product/left", spec, new Float32Array(SIZE * SIZE).fill(0.5));
  const right = await engine.variable("matrix_product/right", spec, new Float32Array(SIZE * SIZE).fill(2));
  const product = engine.compile("matrix_product", {}, (_, state) => ({
    corner: tf.slice(tf.matMul(state.read(left) as tf.Tensor2D, state.read(right) as tf.Tensor2D), [0, 0], [1, 1]),
  }));
  await product({});
  const begin = performance.now();
  const milliseconds: number[] = [];
  while (milliseconds.length < MOST_RUNS && (milliseconds.length === 0 || performance.now() - begin < BUDGET_MS)) {
    const start = performance.now();
    await product({});
    milliseconds.push(performance.now() - start);
  }
  await engine.release(left);
  await engine.release(right);
  return FLOATING_POINT_OPERATIONS / (median(milliseconds) * 1e6);
}
