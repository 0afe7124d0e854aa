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

/** tfjs's Step (the gradient of relu): alpha where x <= 0, 1 where x > 0, NaN where x is NaN. */
register<Unary, { alpha: number }>("Step", ({ inputs: { x }, attrs: { alpha }, graph }) => {
  const value = graph.output(x);
  const positive = graph.emit("Greater", [value, graph.float32(0)], { T: type("float32") });
  const step = graph.emit("SelectV2", [positive, graph.float32(1), graph.float32(alpha)], { T: type("float32") });
  const isNumber = graph.emit("Equal", [value, value], { T: type("float32") });
  return graph.info(graph.emit("SelectV2", [isNumber, step, value], { T: type("float32") }), x.shape, x.dtype);
});

/** Whole numbers are round already; TensorFlow's Round of int32 gives zeros. */
register<Unary>("Round", ({ inputs: { x }, graph }) =>
  graph.info(x.dtype === "int32" ? graph.output(x) : graph.emit("Round", [graph.output(x)], { T: type(x.dtype) }), x.shape, x.dtype),
);

/** tfjs's quotients are int32 whatever goes in. */
register<Binary>("FloorDiv", ({ inputs: { a, b }, graph }) => {
  const quotient = graph.emit("FloorDiv", [graph.output(a), graph.output(b)], { T: type(a.dtype) });
  const whole = a.dtype === "int32" ? quotient : graph.emit("Cast", [quotient], { SrcT: type(a.dtype), DstT: type("int32") });
  return graph.info(whole, broadcast(a.shape, b.shape), "int32");
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
