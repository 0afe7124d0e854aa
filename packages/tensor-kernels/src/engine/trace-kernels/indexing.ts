// Gathering and scattering by index.

import * as tf from "@tensorflow/tfjs-core";
import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import type { GraphDtype } from "../graph-def.ts";
import { bool, checkDtype, int, type } from "../trace-backend.ts";
import type { Output, TraceBackend } from "../trace-backend.ts";
import { register } from "./register.ts";

register<{ x: TensorInfo; indices: TensorInfo }, { axis: number; batchDims: number }>(
  "GatherV2",
  ({ inputs: { x, indices }, attrs, graph }) => {
    const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
    const batchDims = attrs.batchDims ?? 0;
    const output = graph.emit("GatherV2", [graph.output(x), graph.output(indices), graph.int32([axis], [])], {
      Tparams: type(x.dtype),
      Tindices: type("int32"),
      Taxis: type("int32"),
      batch_dims: int(batchDims),
    });
    return graph.info(output, [...x.shape.slice(0, axis), ...indices.shape.slice(batchDims), ...x.shape.slice(axis + 1)], x.dtype);
  },
);

register<{ params: TensorInfo; indices: TensorInfo }>("GatherNd", ({ inputs: { params, indices }, graph }) => {
  const depth = indices.shape.at(-1)!;
  const output = graph.emit("GatherNd", [graph.output(params), graph.output(indices)], {
    Tparams: type(params.dtype),
    Tindices: type("int32"),
  });
  return graph.info(output, [...indices.shape.slice(0, -1), ...params.shape.slice(depth)], params.dtype);
});

/**
 * Rows of a table are summed otherwise where TensorFlow's scatter is slow: on a GPU, where a sum must have one order, it runs on the host; XLA makes a loop of
 * one turn for each row of it, and has a product with ones and zeros instead.
 */
register<{ indices: TensorInfo; updates: TensorInfo }, { shape: number[] }>(
  "ScatterNd",
  ({ inputs: { indices, updates }, attrs: { shape }, graph }) => {
    const { xla, gpu } = graph.options;
    const isOfRows = indices.shape.at(-1) === 1 && shape.length === 2 && updates.shape.length === 2 && updates.dtype === "float32";
    const places = () => graph.reshape(graph.output(indices), indices.shape, indices.shape.slice(0, -1), "int32");
    const sum = (): Output => {
      if (xla && isOfRows)
        return sumByProducts(graph, { places: places(), updates: graph.output(updates), shape, count: updates.shape[0]! });
      if (gpu && indices.shape.at(-1) === 1)
        return graph.emit("UnsortedSegmentSum", [graph.output(updates), places(), graph.int32([shape[0]!], [])], {
          T: type(updates.dtype),
          Tindices: type("int32"),
          Tnumsegments: type("int32"),
        });
      return graph.emit("ScatterNd", [graph.output(indices), graph.output(updates), graph.int32(shape)], {
        T: type(updates.dtype),
        Tindices: type("int32"),
      });
    };
    return graph.info(sum(), shape, updates.dtype);
  },
);

/** Bytes of a matrix of ones and zeros: beyond, several products are added up. */
const ONES_BYTES = 512 * 1024 * 1024;

/** Σ over i of updates[i] at row places[i] of a table of `shape`: onesᵀ · updates, with a one at (i, places[i]). */
function sumByProducts(
  graph: TraceBackend,
  { places, updates, shape, count }: { places: Output; updates: Output; shape: readonly number[]; count: number },
): Output {
  const [rows, width] = shape as [number, number];
  const atOnce = Math.max(1, Math.floor(ONES_BYTES / (4 * rows)));
  let sum: Output | undefined;
  for (let begin = 0; begin < count; begin += atOnce) {
    const size = Math.min(atOnce, count - begin);
    const part = (values: Output, from: number[], sizes: number[], dtype: GraphDtype) =>
      size === count
        ? values
        : graph.emit("Slice", [values, graph.int32(from), graph.int32(sizes)], { T: type(dtype), Index: type("int32") });
    const ones = graph.emit(
      "OneHot",
      [part(places, [begin], [size], "int32"), graph.int32([rows], []), graph.float32(1), graph.float32(0)],
      { axis: int(-1), T: type("float32"), TI: type("int32") },
    );
    const product = graph.emit("MatMul", [ones, part(updates, [begin, 0], [size, width], "float32")], {
      T: type("float32"),
      transpose_a: bool(true),
      transpose_b: bool(false),
    });
    sum = sum === undefined ? product : graph.emit("AddV2", [sum, product], { T: type("float32") });
  }
  return sum!;
}

register<{ tensor: TensorInfo; indices: TensorInfo; updates: TensorInfo }>(
  "TensorScatterUpdate",
  ({ inputs: { tensor, indices, updates }, graph }) =>
    graph.info(
      graph.emit("TensorScatterUpdate", [graph.output(tensor), graph.output(indices), graph.output(updates)], {
        T: type(tensor.dtype),
        Tindices: type("int32"),
      }),
      tensor.shape,
      tensor.dtype,
    ),
);

register<{ x: TensorInfo; segmentIds: TensorInfo }, { numSegments: number }>(
  "UnsortedSegmentSum",
  ({ inputs: { x, segmentIds }, attrs: { numSegments }, graph }) => {
    const output = graph.emit("UnsortedSegmentSum", [graph.output(x), graph.output(segmentIds), graph.int32([numSegments], [])], {
      T: type(x.dtype),
      Tindices: type("int32"),
      Tnumsegments: type("int32"),
    });
    return graph.info(output, [numSegments, ...x.shape.slice(segmentIds.shape.length)], x.dtype);
  },
);

register<{ indices: TensorInfo }, { depth: number; onValue: number; offValue: number; dtype: DataType }>(
  "OneHot",
  ({ inputs: { indices }, attrs, graph }) => {
    const dtype = attrs.dtype ?? "int32";
    const value = (x: number) => graph.constant(dtype === "float32" ? Float32Array.of(x) : Int32Array.of(x), [], checkDtype(dtype));
    const output = graph.emit(
      "OneHot",
      [graph.output(indices), graph.int32([attrs.depth], []), value(attrs.onValue), value(attrs.offValue)],
      {
        axis: int(-1),
        T: type(dtype),
        TI: type("int32"),
      },
    );
    return graph.info(output, [...indices.shape, attrs.depth], dtype);
  },
);
