// A parameter's values between a checkpoint's tensors and our layout, both ways, and new ones.

import { fillKeyedNormals } from "@longcot/tensor-kernels";
import type { Parameter } from "./architecture.ts";

/** Values of `parameter` from its parts: `read` gives a checkpoint tensor as float32. */
export async function parameterFromParts(parameter: Parameter, read: (tensor: string) => Promise<Float32Array>): Promise<Float32Array> {
  if (parameter.layout === "plain") return read(parameter.parts[0]!.tensor);
  const columns = parameter.shape.at(-1)!;
  const values = new Float32Array(parameter.shape.reduce((a, b) => a * b, 1));
  let from = 0;
  for (const { tensor, shape } of parameter.parts) {
    const part = await read(tensor);
    const [outSize, inSize] = [shape[0]!, shape[1] ?? 1];
    for (let out = 0; out < outSize; out++) for (let i = 0; i < inSize; i++) values[i * columns + from + out] = part[out * inSize + i]!;
    from += outSize;
  }
  return values;
}

/** The checkpoint's tensors that `values` of `parameter` hold; a plain one is returned without a copy. */
export function partsOfParameter(
  parameter: Parameter,
  values: Float32Array,
): { tensor: string; shape: readonly number[]; values: Float32Array }[] {
  if (parameter.layout === "plain") return [{ ...parameter.parts[0]!, values }];
  const columns = parameter.shape.at(-1)!;
  let from = 0;
  return parameter.parts.map(({ tensor, shape }) => {
    const [outSize, inSize] = [shape[0]!, shape[1] ?? 1];
    const part = new Float32Array(outSize * inSize);
    for (let out = 0; out < outSize; out++) for (let i = 0; i < inSize; i++) part[out * inSize + i] = values[i * columns + from + out]!;
    from += outSize;
    return { tensor, shape, values: part };
  });
}

/** New values of `parameter`, keyed by `seed` and its name. */
export function initialParameter(parameter: Parameter, options: { seed: number; initializerRange: number }): Float32Array {
  const values = new Float32Array(parameter.shape.reduce((a, b) => a * b, 1));
  if (parameter.initial === "normal")
    fillKeyedNormals(values, { seed: options.seed, stream: parameter.name, mean: 0, standardDeviation: options.initializerRange });
  else values.fill(parameter.initial);
  return values;
}
