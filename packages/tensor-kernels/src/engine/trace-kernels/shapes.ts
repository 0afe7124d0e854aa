// Moving elements about: reshape, transpose, slice, concatenate, pad, tile, fill.

import * as tf from "@tensorflow/tfjs-core";
import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { checkDtype, int, type } from "../trace-backend.ts";
import { register } from "./register.ts";

type Unary = { x: TensorInfo };

register<Unary, { shape: number[] }>("Reshape", ({ inputs: { x }, attrs, graph }) => {
  const shape = tf.util.inferFromImplicitShape(attrs.shape, tf.util.sizeFromShape(x.shape));
  return graph.info(graph.reshape(graph.output(x), x.shape, shape, checkDtype(x.dtype)), shape, x.dtype);
});

register<{ input: TensorInfo }, { dim: number }>("ExpandDims", ({ inputs: { input }, attrs: { dim }, graph }) => {
  const shape = [...input.shape];
  shape.splice(dim < 0 ? input.shape.length + 1 + dim : dim, 0, 1);
  return graph.info(graph.reshape(graph.output(input), input.shape, shape, checkDtype(input.dtype)), shape, input.dtype);
});

register<Unary, { perm: number[] }>("Transpose", ({ inputs: { x }, attrs: { perm }, graph }) => {
  const shape = perm.map((axis) => x.shape[axis]!);
  const long = perm.filter((axis) => x.shape[axis] !== 1);
  // Where only axes of size 1 change places the elements stay where they are.
  const isReshape = long.every((axis, i) => i === 0 || axis > long[i - 1]!);
  const output = isReshape
    ? graph.reshape(graph.output(x), x.shape, shape, checkDtype(x.dtype))
    : graph.emit("Transpose", [graph.output(x), graph.int32(perm)], { T: type(x.dtype), Tperm: type("int32") });
  return graph.info(output, shape, x.dtype);
});

register<Unary, { begin: number | number[]; size: number | number[] }>("Slice", ({ inputs: { x }, attrs, graph }) => {
  const [begin, size] = tf.slice_util.parseSliceParams(x as tf.Tensor, attrs.begin, attrs.size);
  const output = graph.emit("Slice", [graph.output(x), graph.int32(begin!), graph.int32(size!)], {
    T: type(x.dtype),
    Index: type("int32"),
  });
  return graph.info(output, size!, x.dtype);
});

register<Unary, { numOrSizeSplits: number | number[]; axis: number }>(
  "SplitV",
  ({ inputs: { x }, attrs: { numOrSizeSplits, axis }, graph }) => {
    const along = tf.util.parseAxisParam(axis, x.shape)[0]!;
    const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, along);
    const output = graph.emit("SplitV", [graph.output(x), graph.int32(sizes), graph.int32([along], [])], {
      T: type(x.dtype),
      Tlen: type("int32"),
      num_split: int(sizes.length),
    });
    return sizes.map((length, i) => graph.info(i === 0 ? output : `${output}:${i}`, x.shape.with(along, length), x.dtype));
  },
);

register<TensorInfo[], { axis: number }>("Concat", ({ inputs, attrs, graph }) => {
  const first = inputs[0]!;
  const axis = tf.util.parseAxisParam(attrs.axis, first.shape)[0]!;
  const shape = tf.backend_util.computeOutShape(
    inputs.map((x) => x.shape),
    axis,
  );
  const output = graph.emit("ConcatV2", [...inputs.map((x) => graph.output(x)), graph.int32([axis], [])], {
    T: type(first.dtype),
    N: int(inputs.length),
    Tidx: type("int32"),
  });
  return graph.info(output, shape, first.dtype);
});

register<TensorInfo[], { axis: number }>("Pack", ({ inputs, attrs, graph }) => {
  const first = inputs[0]!;
  const axis = attrs.axis < 0 ? attrs.axis + first.shape.length + 1 : attrs.axis;
  const shape = [...first.shape];
  shape.splice(axis, 0, inputs.length);
  return graph.info(
    graph.emit(
      "Pack",
      inputs.map((x) => graph.output(x)),
      { T: type(first.dtype), N: int(inputs.length), axis: int(axis) },
    ),
    shape,
    first.dtype,
  );
});

register<{ value: TensorInfo }, { axis: number }>("Unpack", ({ inputs: { value }, attrs, graph }) => {
  const axis = attrs.axis < 0 ? attrs.axis + value.shape.length : attrs.axis;
  const count = value.shape[axis]!;
  const output = graph.emit("Unpack", [graph.output(value)], { T: type(value.dtype), num: int(count), axis: int(axis) });
  const shape = value.shape.toSpliced(axis, 1);
  return Array.from({ length: count }, (_, i) => graph.info(i === 0 ? output : `${output}:${i}`, shape, value.dtype));
});

register<Unary, { paddings: [number, number][]; constantValue: number }>(
  "PadV2",
  ({ inputs: { x }, attrs: { paddings, constantValue }, graph }) => {
    const dtype = checkDtype(x.dtype);
    const fill = graph.constant(
      dtype === "float32"
        ? Float32Array.of(constantValue)
        : dtype === "int32"
          ? Int32Array.of(constantValue)
          : Uint8Array.of(constantValue),
      [],
      dtype,
    );
    const output = graph.emit("PadV2", [graph.output(x), graph.int32(paddings.flat(), [paddings.length, 2]), fill], {
      T: type(dtype),
      Tpaddings: type("int32"),
    });
    return graph.info(
      output,
      x.shape.map((size, i) => size + paddings[i]![0] + paddings[i]![1]),
      x.dtype,
    );
  },
);

register<Unary, { reps: number[] }>("Tile", ({ inputs: { x }, attrs: { reps }, graph }) =>
  graph.info(
    graph.emit("Tile", [graph.output(x), graph.int32(reps)], { T: type(x.dtype), Tmultiples: type("int32") }),
    x.shape.map((size, i) => size * reps[i]!),
    x.dtype,
  ),
);

register<Unary, { shape: number[]; inputShape: number[] }>("BroadcastTo", ({ inputs: { x }, attrs: { shape }, graph }) =>
  graph.info(graph.emit("BroadcastTo", [graph.output(x), graph.int32(shape)], { T: type(x.dtype), Tidx: type("int32") }), shape, x.dtype),
);

register<Unary, { dims: number[] }>("Reverse", ({ inputs: { x }, attrs: { dims }, graph }) =>
  graph.info(
    graph.emit("ReverseV2", [graph.output(x), graph.int32(tf.util.parseAxisParam(dims, x.shape))], {
      T: type(x.dtype),
      Tidx: type("int32"),
    }),
    x.shape,
    x.dtype,
  ),
);

register<Record<string, never>, { shape: number[]; value: number; dtype?: DataType }>(
  "Fill",
  ({ attrs: { shape, value, dtype = "float32" }, graph }) => {
    const element = graph.constant(
      dtype === "float32" ? Float32Array.of(value) : dtype === "int32" ? Int32Array.of(value) : Uint8Array.of(value),
      [],
      checkDtype(dtype),
    );
    return graph.info(graph.emit("Fill", [graph.int32(shape), element], { T: type(dtype), index_type: type("int32") }), shape, dtype);
  },
);
