// A typed face of tf.customGrad: forward says what backward needs, backward is plain ops.
import * as tf from "@tensorflow/tfjs-core";
import { orderAfter } from "../engine/graph-ops.ts";
import "../engine/gradients.ts";

/** What a forward pass returns: its value, and the tensors that the backward pass reads (kept alive until then). */
export interface ForwardResult {
  value: tf.Tensor;
  saved: tf.Tensor[];
}

/**
 * Returns `forward(...inputs).value`, differentiated by `backward` instead of tfjs's own rules.
 *
 * `backward` gets the output's gradient and the saved tensors, and returns one gradient per input, in order, each of its
 * input's shape, float32. Only `inputs` are differentiated: tensors that the closures capture are constants. A captured
 * tensor must be made outside of `forward`, whose intermediates are freed.
 */
export function customGradient(
  inputs: tf.Tensor[],
  forward: () => ForwardResult,
  backward: (gradient: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[],
): tf.Tensor {
  const operation = tf.customGrad((...args) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    const { value, saved } = forward();
    save(saved);
    // A graph would compute whatever the saved tensors alone suffice for at once, and hold it until the gradient comes.
    return {
      value,
      gradFunc: (gradient: tf.Tensor, kept: tf.Tensor[]) =>
        backward(
          gradient,
          kept.map((tensor) => orderAfter(tensor, gradient)),
        ),
    };
  });
  return operation(...inputs);
}
