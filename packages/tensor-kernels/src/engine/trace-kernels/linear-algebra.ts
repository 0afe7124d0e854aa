// Matrix products.

import * as tf from "@tensorflow/tfjs-core";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { bool, type } from "../trace-backend.ts";
import { register } from "./register.ts";

register<{ a: TensorInfo; b: TensorInfo }, { transposeA: boolean; transposeB: boolean }>(
  "BatchMatMul",
  ({ inputs: { a, b }, attrs: { transposeA, transposeB }, graph }) => {
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const shape = [...batch, a.shape.at(transposeA ? -1 : -2)!, b.shape.at(transposeB ? -2 : -1)!];
    // tfjs makes every product a batched one; a batch of one is a plain product, which is faster.
    if (batch.every((size) => size === 1) && a.shape.length === b.shape.length) {
      const matrix = (x: TensorInfo) => graph.reshape(graph.output(x), x.shape, x.shape.slice(-2), "float32");
      const product = graph.emit("MatMul", [matrix(a), matrix(b)], {
        T: type("float32"),
        transpose_a: bool(transposeA),
        transpose_b: bool(transposeB),
      });
      return graph.info(graph.reshape(product, shape.slice(-2), shape, "float32"), shape, a.dtype);
    }
    const flags = { adj_x: bool(transposeA), adj_y: bool(transposeB) };
    // On a CPU oneDNN takes over BatchMatMulV2, two to three times as fast on matrices and as slow on single rows; it leaves V3 to Eigen.
    const product =
      shape.at(-2) === 1 && !graph.options.gpu
        ? graph.emit("BatchMatMulV3", [graph.output(a), graph.output(b)], {
            Ta: type("float32"),
            Tb: type("float32"),
            Tout: type("float32"),
            ...flags,
          })
        : graph.emit("BatchMatMulV2", [graph.output(a), graph.output(b)], { T: type("float32"), ...flags });
    return graph.info(product, shape, a.dtype);
  },
);
