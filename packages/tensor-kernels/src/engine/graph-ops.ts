// Operations that tfjs has no word for: order without data, memory of one's own, writing rows in place, halves exchanged.

import * as tf from "@tensorflow/tfjs-core";
import type { Tensor, TensorInfo } from "@tensorflow/tfjs-core";
import { checkDtype, traceOptions, type } from "./trace-backend.ts";
import type { TraceBackend } from "./trace-backend.ts";
import { register } from "./trace-kernels/register.ts";

type Pair = { x: TensorInfo; previous: TensorInfo };

function identityAfter(graph: TraceBackend, { x, previous }: Pair): TensorInfo {
  const before = graph.output(previous).split(":")[0]!;
  return graph.info(graph.emit("Identity", [graph.output(x), `^${before}`], { T: type(x.dtype) }), x.shape, x.dtype);
}

register<Pair>("OrderAfter", ({ inputs, graph }) => identityAfter(graph, inputs));

register<Pair>("HeldUntil", ({ inputs, graph }) => {
  if (!graph.options.xla) return identityAfter(graph, inputs);
  const { x, previous } = inputs;
  const types = [checkDtype(x.dtype), checkDtype(previous.dtype)];
  const held = graph.emit("XlaOptimizationBarrier", [graph.output(x), graph.output(previous)], { T: { kind: "types", types } });
  return graph.info(held, x.shape, x.dtype);
});

register<{ previous: TensorInfo }, { shape: number[]; value: number }>(
  "FilledAfter",
  ({ inputs: { previous }, attrs: { shape, value }, graph }) => {
    const before = graph.output(previous).split(":")[0]!;
    const inputs = [graph.int32(shape), graph.float32(value), `^${before}`];
    return graph.info(graph.emit("Fill", inputs, { T: type("float32"), index_type: type("int32") }), shape, "float32");
  },
);

register<{ table: TensorInfo; rows: TensorInfo; values: TensorInfo }>("UpdateRows", ({ inputs: { table, rows, values }, graph }) =>
  graph.info(
    graph.emit("InplaceUpdate", [graph.output(table), graph.output(rows), graph.output(values)], { T: type(table.dtype) }),
    table.shape,
    table.dtype,
  ),
);

register<{ x: TensorInfo }>("OwnCopy", ({ inputs: { x }, graph }) => {
  // XLA gives every result memory of its own.
  const copy = graph.options.xla ? graph.output(x) : graph.emit("DeepCopy", [graph.output(x)], { T: type(x.dtype) });
  return graph.info(copy, x.shape, x.dtype);
});

register<{ x: TensorInfo }>("SwapHalves", ({ inputs: { x }, graph }) => {
  const [axis, half] = [x.shape.length - 1, x.shape.at(-1)! / 2];
  const inputs = [graph.output(x), graph.int32([half], []), graph.int32([axis], [])];
  const swapped = graph.emit("Roll", inputs, { T: type(x.dtype), Tshift: type("int32"), Taxis: type("int32") });
  return graph.info(swapped, x.shape, x.dtype);
});

const tracing = (): boolean => traceOptions() !== undefined;

/**
 * `x`, computed by a graph only after `previous` is: a matter of memory. Op-by-op engines run in program order anyway, and XLA orders what it compiles by
 * itself. Not differentiable: use it inside custom gradients.
 */
export function orderAfter<T extends Tensor>(x: T, previous: Tensor): T {
  return tracing() ? (tf.engine().runKernel("OrderAfter", { x, previous }) as T) : x;
}

/** As {@link orderAfter}, by XLA too, which also takes the result for another value than `x`: what is computed from it is not merged with what was computed from `x`. */
export function heldUntil<T extends Tensor>(x: T, previous: Tensor): T {
  return tracing() ? (tf.engine().runKernel("HeldUntil", { x, previous }) as T) : x;
}

/** `shape` of `value`, made only after `previous`: a graph's constants are ready from its start, and would take their memory from then on. */
export function filledAfter(shape: readonly number[], value: number, previous: Tensor): Tensor {
  if (!tracing()) return tf.fill([...shape], value);
  return tf.engine().runKernel("FilledAfter", { previous }, { shape: [...shape], value }) as Tensor;
}

/** `x` in memory that nothing else uses, not even an equal tensor: what a variable must be given before {@link updateRows} writes into it. */
export function ownCopy<T extends Tensor>(x: T): T {
  return tracing() ? (tf.engine().runKernel("OwnCopy", { x }) as T) : x.clone();
}

/**
 * `table` with `values[i]` in place of row `rows[i]`.
 *
 * Shapes: table [rows, width], rows [n] int32 (each in range; one twice only with equal values), values [n, width]; result [rows, width].
 * Aliasing: a traced graph writes into `table`'s own memory (TensorFlow's InplaceUpdate), also when that is a variable's; do not use `table` after. That memory must be `table`'s alone: constants, and results that
 * graph optimisation finds equal, share theirs, so a variable to be written into starts from {@link ownCopy}.
 */
export function updateRows(table: Tensor, rows: Tensor, values: Tensor): Tensor {
  if (tracing()) return tf.engine().runKernel("UpdateRows", { table, rows, values }) as Tensor;
  return tf.tensorScatterUpdate(table, tf.reshape(rows, [-1, 1]), values);
}

/** `x [..., 2n]` with the halves of its last dimension exchanged. Not differentiable: use it inside custom gradients. */
export function swapHalves(x: Tensor): Tensor {
  // On a GPU Roll waits for copies of its sizes to the device, every time.
  if (traceOptions()?.gpu === false) return tf.engine().runKernel("SwapHalves", { x }) as Tensor;
  const [axis, half] = [x.shape.length - 1, x.shape.at(-1)! / 2];
  const from = (begin: number): Tensor =>
    tf.slice(
      x,
      x.shape.map((_, i) => (i === axis ? begin : 0)),
      x.shape.with(axis, half),
    );
  return tf.concat([from(half), from(0)], -1);
}
