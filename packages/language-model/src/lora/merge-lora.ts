// Adapters added into the weights that they adapt: W + scale · A·B.

import * as tf from "@tensorflow/tfjs-core";
import type { State } from "@longcot/tensor-kernels";
import type { ModelParameter } from "../model/model-parameters.ts";
import { loraDownName, loraUpName } from "./lora-parameters.ts";
import type { LoraAdapter } from "./lora-parameters.ts";

/** Whether `lora` adapts some part of `parameter`. */
export function adapts(lora: LoraAdapter, parameter: ModelParameter): boolean {
  return lora.parameters.some(({ name }) => name === loraDownName(parameter.name));
}

/** The weight of `parameter`, which `lora` adapts, with the adapters added in; inside a compiled function. */
export function mergedWeight(lora: LoraAdapter, parameter: ModelParameter, state: State): tf.Tensor {
  const read = (name: string): tf.Tensor2D | undefined => {
    const found = lora.parameters.find((one) => one.name === name);
    return found === undefined ? undefined : (state.read(found.variable) as tf.Tensor2D);
  };
  const ups = parameter.parts.map((_, part) => read(loraUpName(parameter.name, part)));
  const downs = tf.split(read(loraDownName(parameter.name))!, ups.filter((up) => up !== undefined).length, 1);
  const updates = ups.map((up, part) =>
    up === undefined ? tf.fill([parameter.shape[0]!, parameter.parts[part]!.shape[0]!], 0) : tf.matMul(downs.shift()!, up),
  );
  const update = updates.length === 1 ? updates[0]! : tf.concat(updates, 1);
  return tf.add(state.read(parameter.variable), tf.mul(update, lora.alpha / lora.rank));
}
