// The product of a dense layer: float32, or bfloat16 where the engine was opened for it.

import * as tf from "@tensorflow/tfjs-core";
import type { Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import { sumsBFloat16InFloat32 } from "./bfloat16-processor.ts";
import { bool, traceOptions } from "./trace-backend.ts";
import { register } from "./trace-kernels/register.ts";

const FLOAT32 = { kind: "type", type: "float32" } as const;
const BFLOAT16 = { kind: "type", type: "bfloat16" } as const;

register<{ a: TensorInfo; b: TensorInfo }, { transposeA: boolean; transposeB: boolean }>(
  "BFloat16Product",
  ({ inputs: { a, b }, attrs: { transposeA, transposeB }, graph }) => {
    const narrow = (x: string) => graph.emit("Cast", [x], { SrcT: FLOAT32, DstT: BFLOAT16 });
    const wide = (x: string) => graph.emit("Cast", [x], { SrcT: BFLOAT16, DstT: FLOAT32 });
    // Where products of bfloat16 are not summed in float32, the same numbers are multiplied as float32.
    const isNative = graph.options.gpu || sumsBFloat16InFloat32();
    const factors = [a, b].map((x) => narrow(graph.output(x)));
    const product = graph.emit("MatMul", isNative ? factors : factors.map(wide), {
      T: isNative ? BFLOAT16 : FLOAT32,
      transpose_a: bool(transposeA),
      transpose_b: bool(transposeB),
    });
    const result = wide(isNative ? product : narrow(product));
    return graph.info(result, [a.shape[transposeA ? 1 : 0]!, b.shape[transposeB ? 0 : 1]!], "float32");
  },
);

/**
 * `a · b`, each transposed where asked for. On an engine of precision `bfloat16` both are rounded to it, products are summed in float32 and the sum is
 * rounded again, as autocast does; masters, gradients' sums and all else stay float32. Not differentiable: use it inside custom gradients.
 *
 * Shapes: a [m, k], b [k, n] as multiplied, float32; result [m, n] float32.
 */
export function denseProduct(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  if (traceOptions()?.precision !== "bfloat16") return tf.matMul(a, b, transposeA, transposeB);
  return tf.engine().runKernel("BFloat16Product", { a, b }, { transposeA, transposeB }) as Tensor;
}
