// A tfjs backend that computes nothing: every kernel appends a node to a TensorFlow graph and infers its output's shape.
// Running ordinary tfjs code under it, gradients included, writes the graph of that code.

import * as tf from "@tensorflow/tfjs-core";
import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { ConfigError, ShapeError } from "@longcot/errors";
import type { Attribute, GraphDtype, NodeDef } from "./graph-def.ts";

export const TRACE_BACKEND = "longcot-trace";

/** What the products of dense layers are computed in; all else is float32, sums inside a product too. */
export type Precision = "float32" | "bfloat16";

/** What decides how a function becomes a graph. */
export interface TraceOptions {
  precision: Precision;
  /** Whether it will run on a GPU, which lacks some operations and has others in no fixed order. */
  gpu: boolean;
  /** XLA will compile it: no operation that XLA lacks, and order left to XLA. */
  xla: boolean;
}

const DEFAULT_OPTIONS: TraceOptions = { precision: "float32", gpu: false, xla: false };

/** Elements from which a constant of one repeated value is written as a Fill. */
const FILL_ABOVE = 64;

const OUTSIDE = {
  who: "compile",
  expected: "an input, a variable's value, or made inside the traced function",
  received: "one made outside",
  fix: "Pass it as an input, or create it inside",
};

/** Output of a node as kernels see it: `node` or `node:index`. */
export type Output = string;

/** A loop's body while it is traced: TensorFlow's execution frame. What is made outside comes in through an `Enter` node. */
interface Frame {
  name: string;
  entered: Map<Output, Output>;
}

/** Iterations of a loop run one after the other: more at once would hold more memory. */
const PARALLEL_ITERATIONS = 1;

export class TraceBackend extends tf.KernelBackend {
  #nodes: NodeDef[] = [];
  #prefix = "";
  #outputs = new WeakMap<object, Output>();
  /** Earlier shapes of the same memory: reshaping back to one of them adds no node. */
  #reshapes = new Map<Output, { source: Output; shapes: Map<string, Output> }>();
  #constants = new Map<string, Output>();
  #dtypes = new Map<Output, GraphDtype>();
  /** The loops that are being traced, outermost first, and the loop that each node is in (absent: none). */
  #frames: Frame[] = [];
  #homes = new Map<string, Frame>();
  #counter = 0;
  options: TraceOptions = DEFAULT_OPTIONS;

  /** Starts a graph whose node names begin with `prefix/`. */
  begin(prefix: string, options: TraceOptions = DEFAULT_OPTIONS): void {
    this.options = options;
    this.#nodes = [];
    this.#prefix = prefix;
    this.#reshapes = new Map();
    this.#constants = new Map();
    this.#outputs = new WeakMap();
    this.#dtypes = new Map();
    this.#frames = [];
    this.#homes = new Map();
    this.#counter = 0;
  }

  /** The nodes since `begin`, in order of creation. */
  finish(): NodeDef[] {
    const nodes = this.#nodes;
    this.begin("");
    return nodes;
  }

  /**
   * Appends an operation and returns its name, which is also its first output. An operation without inputs is outside of every loop.
   * `device`: where it runs; default: where TensorFlow places it.
   */
  emit(op: string, inputs: readonly Output[], attributes: NodeDef["attributes"], device?: string): Output {
    return this.#emitIn(inputs.length === 0 ? undefined : this.#frames.at(-1), { op, inputs, attributes, device });
  }

  #emitIn(frame: Frame | undefined, node: Omit<NodeDef, "name">): Output {
    const name = `${this.#prefix}/${node.op}_${this.#counter++}`;
    this.#nodes.push({ name, ...node });
    if (frame !== undefined) this.#homes.set(name, frame);
    return name;
  }

  /** Starts the frame of a loop: operations belong to it until {@link leaveLoop}. Returns `value`'s loop variable for each of `values`. */
  enterLoop(values: readonly { output: Output; dtype: DataType }[]): Output[] {
    const frame: Frame = { name: `${this.#prefix}/loop_${this.#counter++}`, entered: new Map() };
    this.#frames.push(frame);
    return values.map(({ output, dtype }) => this.#enter(frame, output, checkDtype(dtype), false));
  }

  leaveLoop(): void {
    this.#frames.pop();
  }

  /** Runs `make` as if no loop were being traced. */
  outsideLoops<T>(make: () => T): T {
    const frames = this.#frames;
    this.#frames = [];
    try {
      return make();
    } finally {
      this.#frames = frames;
    }
  }

  #enter(frame: Frame, output: Output, dtype: GraphDtype, isConstant: boolean): Output {
    const attributes: NodeDef["attributes"] = {
      T: type(dtype),
      frame_name: { kind: "string", value: frame.name },
      is_constant: bool(isConstant),
      parallel_iterations: int(PARALLEL_ITERATIONS),
    };
    return this.#emitIn(frame, { op: "Enter", inputs: [output], attributes });
  }

  /** `output` as the loop that is being traced sees it. @throws ConfigError for what was made in a loop that has ended. */
  #local(output: Output): Output {
    const home = this.#homes.get(output.split(":")[0]!);
    const from = home === undefined ? 0 : this.#frames.indexOf(home) + 1;
    if (home !== undefined && from === 0)
      throw new ConfigError({
        who: "compile",
        argument: "a tensor",
        expected: "one whose loop is running",
        received: "one made in a loop that has ended",
        fix: "Return it from the loop's body",
      });
    let local = output;
    for (const frame of this.#frames.slice(from)) {
      const known = frame.entered.get(local);
      const entered: Output = known ?? this.#enter(frame, local, this.#dtypes.get(output)!, true);
      frame.entered.set(local, entered);
      local = entered;
    }
    return local;
  }

  /** A tfjs tensor description of a node's output. */
  info(output: Output, shape: readonly number[], dtype: DataType): TensorInfo {
    const dataId = {};
    this.#outputs.set(dataId, output);
    this.#dtypes.set(output, checkDtype(dtype));
    return { dataId, shape: [...shape], dtype };
  }

  /** The graph output behind a tensor. @throws ConfigError for a tensor made outside of the traced function. */
  output(tensor: TensorInfo): Output {
    const output = this.#outputs.get(tensor.dataId);
    if (output === undefined) {
      throw new ConfigError({ ...OUTSIDE, argument: `a tensor [${tensor.shape.join(", ")}]` });
    }
    return this.#local(output);
  }

  /** An int32 constant; `shape` defaults to a vector. Equal constants share a node. */
  int32(values: readonly number[], shape: readonly number[] = [values.length]): Output {
    return this.constant(Int32Array.from(values), shape, "int32");
  }

  float32(value: number): Output {
    return this.constant(Float32Array.of(value), [], "float32");
  }

  constant(values: Float32Array | Int32Array | Uint8Array, shape: readonly number[], dtype: GraphDtype): Output {
    // tfjs makes tensors of one value (tf.zeros, tf.ones) from whole arrays: a graph needs the value and the shape.
    if (values.length > FILL_ABOVE && values.every((value) => value === values[0])) {
      return this.emit("Fill", [this.int32(shape), this.constant(values.slice(0, 1), [], dtype)], {
        T: type(dtype),
        index_type: type("int32"),
      });
    }
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const key = bytes.length <= 64 ? `${dtype}|${shape.join(",")}|${bytes.join(",")}` : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    const output = known ?? this.emit("Const", [], { dtype: type(dtype), value: { kind: "tensor", dtype, shape, bytes } });
    this.#dtypes.set(output, dtype);
    if (key !== undefined) this.#constants.set(key, output);
    return this.#local(output);
  }

  /** `output` seen as `shape`; going back to a shape it had costs nothing. */
  reshape(output: Output, from: readonly number[], shape: readonly number[], dtype: GraphDtype): Output {
    const family = this.#reshapes.get(output) ?? { source: output, shapes: new Map([[from.join(","), output]]) };
    const key = shape.join(",");
    let reshaped = family.shapes.get(key);
    if (reshaped === undefined) {
      reshaped = this.emit("Reshape", [family.source, this.int32(shape)], { T: type(dtype), Tshape: type("int32") });
      family.shapes.set(key, reshaped);
    }
    this.#reshapes.set(output, family);
    this.#reshapes.set(reshaped, family);
    return reshaped;
  }

  // --- what tfjs asks of a backend ---

  override write(values: tf.BackendValues, shape: number[], dtype: DataType): object {
    const graphDtype = checkDtype(dtype);
    const typed =
      graphDtype === "float32"
        ? values instanceof Float32Array
          ? values
          : Float32Array.from(values as ArrayLike<number>)
        : graphDtype === "int32"
          ? values instanceof Int32Array
            ? values
            : Int32Array.from(values as ArrayLike<number>)
          : Uint8Array.from(values as ArrayLike<number>);
    const dataId = {};
    const output = this.constant(typed, shape, graphDtype);
    this.#outputs.set(dataId, output);
    this.#dtypes.set(output, graphDtype);
    return dataId;
  }

  override move(): never {
    // tfjs moves a tensor here when it was made on another backend; it would be lost there, so refuse.
    throw new ConfigError({ ...OUTSIDE, argument: "a tensor" });
  }

  override readSync(): never {
    throw new ConfigError({
      who: "compile",
      argument: "the function",
      expected: "one that never reads a tensor's value",
      received: "a call of dataSync, data or arraySync",
      fix: "Return the tensor instead",
    });
  }

  override read(): never {
    return this.readSync();
  }

  override numDataIds(): number {
    return 0;
  }
  override disposeData(): boolean {
    return true;
  }
  override incRef(): void {}
  decRef(): void {}
  override refCount(): number {
    return 1;
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override timerAvailable(): boolean {
    return false;
  }
  override dispose(): void {}
}

/** What the function that is being traced will run on; undefined outside of a trace. */
export const traceOptions = (): TraceOptions | undefined =>
  tf.getBackend() === TRACE_BACKEND ? (tf.backend() as TraceBackend).options : undefined;

export const type = (dtype: DataType): Attribute => ({ kind: "type", type: checkDtype(dtype) });
export const bool = (value: boolean): Attribute => ({ kind: "bool", value });
export const int = (value: number): Attribute => ({ kind: "int", value });

/** The element type as a graph knows it. @throws ShapeError for strings and complex numbers. */
export function checkDtype(dtype: DataType): GraphDtype {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new ShapeError({ who: "compile", argument: "dtype", expected: "float32, int32 or bool", received: dtype });
}
