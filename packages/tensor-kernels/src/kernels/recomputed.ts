// Gradient checkpointing: a function whose intermediates are computed again in the backward pass instead of kept.
import * as tf from "@tensorflow/tfjs-core";
import { heldUntil, orderAfter } from "../engine/graph-ops.ts";
import { customGradient } from "./custom-gradient.ts";

/**
 * Returns `run(inputs, constants)`, keeping only these tensors for the backward pass, which runs it once more.
 *
 * Shapes: any. `run` reads no tensor but those it is given, or those that outlive the backward pass.
 * Gradient (wrt inputs): that of `run`, whose intermediates exist from its second run to the end of its own backward pass.
 * Precision: the same operations in the same order, so the same numbers.
 * In a traced graph the second run waits for the gradient that it is needed for. That also makes its nodes differ from the first run's, so that
 * graph optimisation, which merges equal nodes, leaves them apart.
 * Source: arXiv 1604.06174.
 */
export function recomputed(
  run: (inputs: tf.Tensor[], constants: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  constants: tf.Tensor[],
): tf.Tensor {
  return customGradient(
    inputs,
    () => ({ value: run(inputs, constants), saved: [...inputs, ...constants] }),
    (gradient, saved) => {
      const again = saved.slice(0, inputs.length).map((tensor) => heldUntil(tensor, gradient));
      const kept = saved.slice(inputs.length);
      const [first, ...others] = onTapeOfItsOwn(() => tf.grads((...tensors: tf.Tensor[]) => run(tensors, kept))(again, gradient));
      // What comes next in the backward pass starts from the first input's gradient: by then nothing of this run is pending.
      return [others.reduce((x, other) => orderAfter(x, other), first!), ...others];
    },
  );
}

/** Runs `differentiate` inside a backward pass: tfjs has one tape, which an inner differentiation would throw away. */
function onTapeOfItsOwn<T>(differentiate: () => T): T {
  const { state } = tf.engine();
  const outer = state.activeTape;
  try {
    return differentiate();
  } finally {
    state.activeTape = outer;
  }
}
