// A counted loop over tensors: on TensorFlow one loop of the graph, however many turns it takes; op by op a loop of JavaScript.

import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "@tensorflow/tfjs-core";
import { TRACE_BACKEND, int, type } from "./trace-backend.ts";
import type { Output, TraceBackend } from "./trace-backend.ts";
import type { NodeDef } from "./graph-def.ts";

/** What a turn gets: its number, a scalar int32, and the state that the turn before it left. */
export type LoopBody = (index: Tensor, state: Tensor[]) => Tensor[];

/**
 * Returns the state after `body` for index = from, from + 1, …, to − 1.
 *
 * Shapes: bounds are numbers or scalar int32 tensors; `body` returns as many tensors as `state` has, each of its shape and dtype. Loops may nest.
 * Memory: turns run one after the other, and what a turn makes is freed after it. A traced graph is as large as one turn.
 * Not differentiable: use it inside custom gradients.
 */
export function forLoop(bounds: { from: Tensor | number; to: Tensor | number }, state: readonly Tensor[], body: LoopBody): Tensor[] {
  return tf.getBackend() === TRACE_BACKEND ? tracedLoop(bounds, state, body) : plainLoop(bounds, state, body);
}

function plainLoop({ from, to }: { from: Tensor | number; to: Tensor | number }, initial: readonly Tensor[], body: LoopBody): Tensor[] {
  const bound = (value: Tensor | number): number => (typeof value === "number" ? value : value.dataSync()[0]!);
  let state = initial.map((tensor) => tensor.clone());
  for (let index = bound(from), end = bound(to); index < end; index++) {
    const next = tf.tidy(() => body(tf.scalar(index, "int32"), state));
    const kept = new Set(next);
    for (const tensor of state) if (!kept.has(tensor)) tensor.dispose();
    state = next;
  }
  return state;
}

/** Merge (this turn's value), Switch (on or out), NextIteration (back): the loop that TensorFlow's executor runs. */
function tracedLoop({ from, to }: { from: Tensor | number; to: Tensor | number }, initial: readonly Tensor[], body: LoopBody): Tensor[] {
  const graph = tf.backend() as TraceBackend;
  const scalar = (value: Tensor | number): Tensor => (typeof value === "number" ? tf.scalar(value, "int32") : value);
  const variables = [scalar(from), ...initial];
  const end = scalar(to);
  const tensor = (output: Output, like: Tensor): Tensor => tf.engine().makeTensorFromTensorInfo(graph.info(output, like.shape, like.dtype));

  const entered = graph.enterLoop(variables.map((value) => ({ output: graph.output(value), dtype: value.dtype })));
  // The way back is written when the body is known.
  const merges = entered.map((enter, i) => {
    const inputs = [enter];
    return { output: graph.emit("Merge", inputs, { T: type(variables[i]!.dtype), N: int(2) }), inputs };
  });
  const goesOn = graph.emit("LoopCond", [graph.output(tf.less(tensor(merges[0]!.output, variables[0]!), end))], {});
  const switches = merges.map(({ output }, i) => graph.emit("Switch", [output, goesOn], { T: type(variables[i]!.dtype) }));
  const [index, ...state] = switches.map((output, i) =>
    tensor(graph.emit("Identity", [`${output}:1`], { T: type(variables[i]!.dtype) }), variables[i]!),
  );
  const results = [tf.add(index!, tf.scalar(1, "int32")), ...body(index!, state)];
  results.forEach((result, i) => {
    const attributes: NodeDef["attributes"] = { T: type(variables[i]!.dtype) };
    // A result that does not come from the state would otherwise start another turn after the last.
    const gated = graph.emit("Identity", [graph.output(result), `^${graph.output(index!)}`], attributes);
    merges[i]!.inputs.push(graph.emit("NextIteration", [gated], attributes));
  });
  graph.leaveLoop();
  return switches.slice(1).map((output, i) => tensor(graph.emit("Exit", [output], { T: type(initial[i]!.dtype) }), initial[i]!));
}
