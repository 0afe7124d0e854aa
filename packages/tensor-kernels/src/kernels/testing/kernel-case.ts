// What a kernel case is, and how any engine checks it: values and gradients against a reference in double precision.
// The cases themselves are in kernel-cases.ts. An eager backend runs the two programs directly; a compiling engine compiles them.
import * as tf from "@tensorflow/tfjs-core";
import { fillKeyedNormals } from "../keyed-random.ts";

/** One input tensor of a case. */
export interface KernelInput {
  shape: number[];
  dtype: "float32" | "int32";
  /** Already rounded to the dtype. */
  values: Float32Array | Int32Array;
  /** Whether the case's gradients are checked wrt this input. */
  isDifferentiable: boolean;
}

/** One call of one kernel. */
export interface KernelCase {
  name: string;
  inputs: KernelInput[];
  /** The kernel, tensors to tensors; traceable. */
  run: (inputs: tf.Tensor[]) => tf.Tensor[];
  /** The same from the formula, in double precision, written without looking at the kernel. */
  reference: (inputs: ArrayLike<number>[]) => ArrayLike<number>[];
  /** Largest |kernel − reference| of the values: absolute, and relative to the reference. */
  tolerance: { atol: number; rtol: number };
}

/** What float32 gradients of the cases' sizes may differ by: rounding of sums whose terms reach 10. */
export const GRADIENT_TOLERANCE = { atol: 2e-5, rtol: 2e-5 };
const DIFFERENCE_STEP = 1e-5;

/** Returns a differentiable float32 input of normal numbers drawn from `stream`. */
export function normalInput(stream: string, shape: number[], options: { mean?: number; standardDeviation?: number } = {}): KernelInput {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  fillKeyedNormals(values, {
    seed: 7,
    stream,
    mean: options.mean ?? 0,
    standardDeviation: options.standardDeviation ?? 1,
  });
  return { shape, dtype: "float32", values, isDifferentiable: true };
}

/** Returns an input that is not differentiated. */
export function constantInput(dtype: "float32" | "int32", shape: number[], values: number[]): KernelInput {
  return {
    shape,
    dtype,
    values: dtype === "int32" ? Int32Array.from(values) : Float32Array.from(values),
    isDifferentiable: false,
  };
}

/** A function of tensors to check, its inputs, and what it must return. */
export interface KernelProgram {
  name: string;
  inputs: KernelInput[];
  run: (inputs: tf.Tensor[]) => tf.Tensor[];
  expected: ArrayLike<number>[];
  tolerance: { atol: number; rtol: number };
}

/** Returns what a case asks of an engine: a program of its values and, if anything is differentiable, one of its gradients. */
export function kernelPrograms(kernelCase: KernelCase): KernelProgram[] {
  const { name, inputs, run, reference, tolerance } = kernelCase;
  const values: KernelProgram = {
    name: `${name}: values`,
    inputs,
    run,
    expected: reference(inputs.map((input) => input.values)),
    tolerance,
  };
  const differentiable = inputs.flatMap((input, index) => (input.isDifferentiable ? [index] : []));
  if (differentiable.length === 0) return [values];
  const cotangents = values.expected.map(
    (output, index) => normalInput(`cotangent ${index} of ${name}`, [output.length]).values as Float32Array,
  );
  const gradients: KernelProgram = {
    name: `${name}: gradients`,
    inputs,
    run: (tensors) => gradientsOf(run, tensors, differentiable, cotangents),
    expected: differentiable.map((index) => finiteDifferences(kernelCase, index, cotangents)),
    tolerance: GRADIENT_TOLERANCE,
  };
  return [values, gradients];
}

/** Gradients of Σ cotangent·output wrt the inputs numbered `differentiable`, by tfjs. */
function gradientsOf(run: KernelCase["run"], tensors: tf.Tensor[], differentiable: number[], cotangents: Float32Array[]): tf.Tensor[] {
  const weightedSum = (...active: tf.Tensor[]): tf.Scalar => {
    const all = [...tensors];
    differentiable.forEach((index, position) => (all[index] = active[position]!));
    const terms = run(all).map((output, index) => tf.sum(tf.mul(tf.reshape(output, [output.size]), tf.tensor1d(cotangents[index]!))));
    return tf.addN(terms) as tf.Scalar;
  };
  return tf.grads(weightedSum)(differentiable.map((index) => tensors[index]!));
}

/** The same gradients by central differences of the reference, in double precision. */
function finiteDifferences({ inputs, reference }: KernelCase, index: number, cotangents: Float32Array[]): Float64Array {
  const arrays = inputs.map((input) => Float64Array.from(input.values));
  const weightedSum = () =>
    reference(arrays).reduce((total, output, k) => total + cotangents[k]!.reduce((sum, weight, i) => sum + weight * output[i]!, 0), 0);
  const varied = arrays[index]!;
  return varied.map((original, i) => {
    varied[i] = original + DIFFERENCE_STEP;
    const above = weightedSum();
    varied[i] = original - DIFFERENCE_STEP;
    const below = weightedSum();
    varied[i] = original;
    return (above - below) / (2 * DIFFERENCE_STEP);
  });
}
