// Gathering and scattering by index.

import * as tf from "@tensorflow/tfjs-core";
import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { checkDtype, int, type } from "../trace-backend.ts";
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

register<{ indices: TensorInfo; updates: TensorInfo }, { shape: number[] }>(
  "ScatterNd",
  ({ inputs: { indices, updates }, attrs: { shape }, graph }) =>
    graph.info(
      graph.emit("ScatterNd", [graph.output(indices), graph.output(updates), graph.int32(shape)], {
        T: type(updates.dtype),
        Tindices: type("int32"),
      }),
      shape,
      updates.dtype,
    ),
);

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
