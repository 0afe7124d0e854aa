// Reductions and scans along axes.

import * as tf from "@tensorflow/tfjs-core";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { ConfigError } from "@longcot/errors";
import { bool, type } from "../trace-backend.ts";
import { register } from "./register.ts";

type Unary = { x: TensorInfo };

/** Shape after reducing `axes` of `shape`. */
function reduced(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  return keepDims ? shape.map((size, i) => (axes.includes(i) ? 1 : size)) : shape.filter((_, i) => !axes.includes(i));
}

for (const kernel of ["Sum", "Mean", "Max", "Min", "Prod"]) {
  register<Unary, { axis?: number | number[]; reductionIndices?: number | number[]; keepDims?: boolean }>(
    kernel,
    ({ inputs: { x }, attrs, graph }) => {
      const axes = tf.util.parseAxisParam(attrs.axis ?? attrs.reductionIndices ?? x.shape.map((_, i) => i), x.shape);
      const keepDims = attrs.keepDims ?? false;
      // A mean of whole numbers is float32 in tfjs; TensorFlow would divide as integers.
      const dtype = kernel === "Mean" ? "float32" : x.dtype;
      const value = dtype === x.dtype ? graph.output(x) : graph.emit("Cast", [graph.output(x)], { SrcT: type(x.dtype), DstT: type(dtype) });
      const output = graph.emit(kernel, [value, graph.int32(axes)], { T: type(dtype), Tidx: type("int32"), keep_dims: bool(keepDims) });
      return graph.info(output, reduced(x.shape, axes, keepDims), dtype);
    },
  );
}

for (const kernel of ["All", "Any"]) {
  register<Unary, { axis: number | number[]; keepDims: boolean }>(kernel, ({ inputs: { x }, attrs: { axis, keepDims }, graph }) => {
    const axes = tf.util.parseAxisParam(axis, x.shape);
    return graph.info(
      graph.emit(kernel, [graph.output(x), graph.int32(axes)], { Tidx: type("int32"), keep_dims: bool(keepDims) }),
      reduced(x.shape, axes, keepDims),
      "bool",
    );
  });
}

for (const kernel of ["ArgMax", "ArgMin"]) {
  register<Unary, { axis: number }>(kernel, ({ inputs: { x }, attrs: { axis }, graph }) => {
    const axes = tf.util.parseAxisParam(axis, x.shape);
    const output = graph.emit(kernel, [graph.output(x), graph.int32([axes[0]!], [])], {
      T: type(x.dtype),
      Tidx: type("int32"),
      output_type: type("int32"),
    });
    return graph.info(output, reduced(x.shape, axes, false), "int32");
  });
}

for (const kernel of ["Cumsum", "Cumprod"]) {
  register<Unary, { axis: number; exclusive: boolean; reverse: boolean }>(kernel, ({ inputs: { x }, attrs, graph }) => {
    const output = graph.emit(kernel, [graph.output(x), graph.int32([attrs.axis], [])], {
      T: type(x.dtype),
      Tidx: type("int32"),
      exclusive: bool(attrs.exclusive),
      reverse: bool(attrs.reverse),
    });
    return graph.info(output, x.shape, x.dtype);
  });
}

register<Unary, { k: number; sorted: boolean }>("TopK", ({ inputs: { x }, attrs: { k, sorted }, graph }) => {
  const output = graph.emit("TopKV2", [graph.output(x), graph.int32([k], [])], {
    T: type(x.dtype),
    sorted: bool(sorted),
    Tk: type("int32"),
    index_type: type("int32"),
  });
  const shape = [...x.shape.slice(0, -1), k];
  return [graph.info(output, shape, x.dtype), graph.info(`${output}:1`, shape, "int32")];
});

register<{ sortedSequence: TensorInfo; values: TensorInfo }>("SearchSorted", () => {
  throw new ConfigError({
    who: "compile",
    argument: "searchSorted",
    expected: "a kernel that the trace backend has",
    received: "SearchSorted",
    fix: "Compare and count instead",
  });
});
