// Elementwise operations: unary, binary with broadcasting, comparisons, casts and choices.

import * as tf from "@tensorflow/tfjs-core";
import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { type } from "../trace-backend.ts";
import { register } from "./register.ts";

type Binary = { a: TensorInfo; b: TensorInfo };
type Unary = { x: TensorInfo };

const broadcast = (a: readonly number[], b: readonly number[]) => tf.broadcast_util.assertAndGetBroadcastShape([...a], [...b]);

const ARITHMETIC = {
  Add: "AddV2",
  Sub: "Sub",
  Multiply: "Mul",
  RealDiv: "RealDiv",
  FloorDiv: "FloorDiv",
  Mod: "FloorMod",
  Maximum: "Maximum",
  Minimum: "Minimum",
  Pow: "Pow",
  SquaredDifference: "SquaredDifference",
};
for (const [kernel, op] of Object.entries(ARITHMETIC)) {
  register<Binary>(kernel, ({ inputs: { a, b }, graph }) =>
    graph.info(graph.emit(op, [graph.output(a), graph.output(b)], { T: type(a.dtype) }), broadcast(a.shape, b.shape), a.dtype),
  );
}

const COMPARISONS = {
  Greater: "Greater",
  GreaterEqual: "GreaterEqual",
  Less: "Less",
  LessEqual: "LessEqual",
  Equal: "Equal",
  NotEqual: "NotEqual",
};
for (const [kernel, op] of Object.entries(COMPARISONS)) {
  register<Binary>(kernel, ({ inputs: { a, b }, graph }) =>
    graph.info(graph.emit(op, [graph.output(a), graph.output(b)], { T: type(a.dtype) }), broadcast(a.shape, b.shape), "bool"),
  );
}

for (const kernel of ["LogicalAnd", "LogicalOr"]) {
  register<Binary>(kernel, ({ inputs: { a, b }, graph }) =>
    graph.info(graph.emit(kernel, [graph.output(a), graph.output(b)], {}), broadcast(a.shape, b.shape), "bool"),
  );
}
register<Unary>("LogicalNot", ({ inputs: { x }, graph }) => graph.info(graph.emit("LogicalNot", [graph.output(x)], {}), x.shape, "bool"));

const SAME_NAME = [
  "Neg",
  "Exp",
  "Expm1",
  "Log",
  "Log1p",
  "Rsqrt",
  "Sqrt",
  "Square",
  "Sigmoid",
  "Tanh",
  "Sin",
  "Cos",
  "Abs",
  "Sign",
  "Floor",
  "Ceil",
  "Round",
  "Erf",
  "Relu",
  "Softplus",
  "Reciprocal",
  "ZerosLike",
  "OnesLike",
];
for (const kernel of SAME_NAME) {
  register<Unary>(kernel, ({ inputs: { x }, graph }) =>
    graph.info(graph.emit(kernel, [graph.output(x)], { T: type(x.dtype) }), x.shape, x.dtype),
  );
}
for (const [kernel, op] of [
  ["IsNan", "IsNan"],
  ["IsFinite", "IsFinite"],
  ["IsInf", "IsInf"],
] as const) {
  register<Unary>(kernel, ({ inputs: { x }, graph }) =>
    graph.info(graph.emit(op, [graph.output(x)], { T: type(x.dtype) }), x.shape, "bool"),
  );
}

/** tfjs's Step (the gradient of relu): 0 where x <= 0, else 1. */
register<Unary, { alpha: number }>("Step", ({ inputs: { x }, graph }) => {
  const positive = graph.emit("Greater", [graph.output(x), graph.float32(0)], { T: type("float32") });
  return graph.info(graph.emit("Cast", [positive], { SrcT: type("bool"), DstT: type("float32") }), x.shape, x.dtype);
});

register<Unary>("Identity", ({ inputs: { x }, graph }) => graph.info(graph.output(x), x.shape, x.dtype));

register<Unary, { dtype: DataType }>("Cast", ({ inputs: { x }, attrs: { dtype }, graph }) =>
  graph.info(
    x.dtype === dtype ? graph.output(x) : graph.emit("Cast", [graph.output(x)], { SrcT: type(x.dtype), DstT: type(dtype) }),
    x.shape,
    dtype,
  ),
);

register<{ condition: TensorInfo; t: TensorInfo; e: TensorInfo }>("Select", ({ inputs: { condition, t, e }, graph }) =>
  graph.info(
    graph.emit("SelectV2", [graph.output(condition), graph.output(t), graph.output(e)], { T: type(t.dtype) }),
    broadcast(condition.shape, broadcast(t.shape, e.shape)),
    t.dtype,
  ),
);

register<Unary, { clipValueMin: number; clipValueMax: number }>("ClipByValue", ({ inputs: { x }, attrs, graph }) => {
  const clipped = graph.emit("ClipByValue", [graph.output(x), graph.float32(attrs.clipValueMin), graph.float32(attrs.clipValueMax)], {
    T: type(x.dtype),
  });
  return graph.info(clipped, x.shape, x.dtype);
});

register<TensorInfo[]>("AddN", ({ inputs, graph }) => {
  const first = inputs[0]!;
  return graph.info(
    graph.emit(
      "AddN",
      inputs.map((x) => graph.output(x)),
      { T: type(first.dtype), N: { kind: "int", value: inputs.length } },
    ),
    first.shape,
    first.dtype,
  );
});

for (const [kernel, op] of [
  ["Softmax", "Softmax"],
  ["LogSoftmax", "LogSoftmax"],
] as const) {
  register<{ logits: TensorInfo }>(kernel, ({ inputs: { logits }, graph }) =>
    graph.info(graph.emit(op, [graph.output(logits)], { T: type(logits.dtype) }), logits.shape, logits.dtype),
  );
}
