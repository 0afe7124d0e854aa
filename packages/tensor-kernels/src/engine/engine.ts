// What every engine offers: variables that live on the device, and functions compiled over them.

import type { Tensor } from "@tensorflow/tfjs-core";
import type { EngineArray, TensorSpec, TensorValues } from "./tensor-spec.ts";
import type { GraphDtype } from "./graph-def.ts";

export type { EngineArray, GraphDtype, TensorSpec, TensorValues };

/** A tensor that stays on the device between calls: a weight, an optimizer moment, a cache. */
export interface Variable {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: GraphDtype;
}

/** Access to variables from inside a compiled function. An assignment is seen by later reads of the same call. */
export interface State {
  read(variable: Variable): Tensor;
  assign(variable: Variable, value: Tensor): void;
}

/** The function to compile: tensors in, tensors out, written in tfjs ops that never read a value. */
export type TensorFunction<I extends string, O extends string> = (inputs: Record<I, Tensor>, state: State) => Record<O, Tensor>;

/** A compiled function: typed arrays in, typed arrays out. Calls of one engine run one after the other, off the event loop. */
export type Compiled<I extends string, O extends string> = (inputs: Record<I, EngineArray>) => Promise<Record<O, EngineArray>>;

/** Where tensors live and computations run. */
export interface Engine {
  /** `tensorflow-gpu` and `tensorflow` trace into TensorFlow graphs; `eager` names the tfjs backend that runs op by op. */
  readonly kind: "tensorflow-gpu" | "tensorflow" | "tensorflow-eager" | "wasm" | "cpu";
  /** Version and device in words, for people. */
  readonly description: string;
  /** Creates a variable holding `values` (zeros when absent). Names are unique within an engine. */
  variable(name: string, spec: TensorSpec, values?: TensorValues): Promise<Variable>;
  /** A copy of a variable's values, row-major. */
  read(variable: Variable): Promise<EngineArray>;
  /** Replaces a variable's values. */
  write(variable: Variable, values: TensorValues): Promise<void>;
  /** Frees a variable's memory until a compiled function or {@link write} gives it values again; reading it before that is an error. */
  clear(variable: Variable): Promise<void>;
  /** Forgets a variable; compiled functions that use it fail from then on. */
  release(variable: Variable): Promise<void>;
  /** Compiles `fn` for inputs of exactly these shapes. `name` labels the graph's nodes and error messages. */
  compile<I extends string, O extends string>(name: string, inputs: Record<I, TensorSpec>, fn: TensorFunction<I, O>): Compiled<I, O>;
  /**
   * At most `count` engines of one thread each that run beside each other and beside this one: for functions of many operations too small to be shared by threads. Their
   * functions may read this engine's variables, without a copy, as they are when a call begins. Closed with this engine, which stands in for itself where there is one
   * thread, on a GPU, and op by op.
   */
  lanes(count: number): readonly Engine[];
  /** Waits for running work and frees everything. */
  close(): Promise<void>;
}
