// TensorFlow's eager context: operations and functions executed one call after the other, off the event loop.

import koffi from "koffi";
import { LongcotError } from "@longcot/errors";
import { DATA_TYPE, encodeAttribute, encodeGraphDef } from "./graph-def.ts";
import type { Attribute, NodeDef } from "./graph-def.ts";
import { loadTensorFlow } from "./tensorflow-library.ts";
import type { Pointer, TensorFlowLibrary } from "./tensorflow-library.ts";
import { BYTES_PER_ELEMENT, sizeOf, viewAs } from "./check-arrays.ts";
import type { EngineArray, TensorSpec, TensorValues } from "./tensor-spec.ts";

/** A graph to be made a function: which nodes stand for its arguments, what it returns, which operations must happen besides. */
export interface FunctionGraph {
  nodes: readonly NodeDef[];
  inputs: readonly string[];
  outputs: readonly string[];
  effects: readonly string[];
}

/** An operation of TensorFlow, or a function defined before, with its attributes. */
export interface Operation {
  name: string;
  attributes: Readonly<Record<string, Attribute>>;
  device?: string | undefined;
}

/** What an operation takes: values to be copied into a tensor, or the handle of something that lives on the device. */
export type Argument = { spec: TensorSpec; values: TensorValues } | { handle: Pointer };

/** Handles that another context may take back at any time, except while an operation that has them runs. */
export interface Loan {
  /** Undefined where one of them has been taken back. */
  handles(): Pointer[] | undefined;
  renew(): Promise<void>;
}

/** TensorFlow refused a graph or failed in a run: its own words. */
export class EngineError extends LongcotError {
  override readonly code = "ENGINE";
}

/** Two at once fill the gaps that small operations leave: a decode step of 64 sequences took 15 to 20 ms, one at a time 18 to 21. */
const OPERATIONS_AT_ONCE = 2;
const POINTER_BYTES = 8;
/** Of TF_GraphToFunction: no hash after the name; the whole graph is the function's body. */
const KEEP_NAME = 0;
const ALL_OPERATIONS = -1;

export class TensorFlowContext {
  readonly library: TensorFlowLibrary;
  readonly devices: readonly { name: string; type: string }[];
  readonly #context: Pointer;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** `threads`: those inside one operation. */
  constructor({ threads }: { threads: number }) {
    const library = loadTensorFlow();
    this.library = library;
    const options = library.newContextOptions();
    const config = encodeConfig(threads);
    this.#context = this.#checked("context", (status) => {
      library.setContextConfig(options, config, config.length, status);
      return library.newContext(options, status);
    });
    library.deleteContextOptions(options);
    this.devices = this.#listDevices();
  }

  /** Makes `graph` an operation called `name`. */
  define(name: string, { nodes, inputs, outputs, effects }: FunctionGraph): void {
    this.#checkOpen();
    const { library } = this;
    const graph = library.newGraph();
    const operation = (node: string): Pointer => library.operationByName(graph, node)!;
    // TF_Output: the operation, then which of its outputs.
    const references = (outputs: readonly string[]): bigint[] =>
      outputs.flatMap((output) => {
        const [node, index] = output.split(":");
        return [operation(node!), BigInt(index ?? 0)];
      });
    try {
      this.#import(graph, nodes);
      const made = this.#checked("compile", (status) =>
        library.graphToFunction(
          graph,
          name,
          KEEP_NAME,
          ALL_OPERATIONS,
          null,
          inputs.length,
          BigUint64Array.from(references(inputs)),
          outputs.length,
          BigUint64Array.from(references(outputs)),
          null,
          effects.length,
          BigUint64Array.from(effects, operation),
          null,
          null,
          null,
          status,
        ),
      );
      try {
        this.#checked("compile", (status) => library.addFunction(this.#context, made, status));
      } finally {
        library.deleteFunction(made);
      }
    } finally {
      library.deleteGraph(graph);
    }
  }

  /** Executes an operation without arguments that gives one handle of something on the device. {@link forget} it. */
  makeHandle(operation: Operation): Pointer {
    return this.#makeHandle(operation, []);
  }

  forget(handle: Pointer): void {
    this.library.deleteTensorHandle(handle);
  }

  /** Begins `work` when what was enqueued before has ended. */
  enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result;
    return result;
  }

  /** Executes an operation and copies what it returns, specified by `returns`. It takes the handles of `loan` after the others. One at a time: {@link enqueue} it. */
  async execute(operation: Operation, takes: readonly Argument[], returns: readonly TensorSpec[], loan?: Loan): Promise<EngineArray[]> {
    this.#checkOpen();
    const { library } = this;
    const op = this.#newOperation(operation);
    const status = library.newStatus();
    const results = nativeWords(returns.length);
    const count = nativeWords(1);
    const own: Pointer[] = [];
    try {
      const inputs: Pointer[] = [];
      for (const argument of takes) {
        if ("values" in argument) own.push(await this.#newHandle(argument.spec, argument.values));
        inputs.push("values" in argument ? own.at(-1)! : argument.handle);
      }
      let lent = loan === undefined ? [] : loan.handles();
      while (lent === undefined) {
        await loan!.renew();
        lent = loan!.handles();
      }
      // From here to the execution nothing waits: an operation holds on to what it was given.
      for (const handle of [...inputs, ...lent]) {
        library.addInput(op, handle, status);
        this.#throwIfFailed(operation.name, status);
      }
      count.words[0] = BigInt(returns.length);
      await new Promise<void>((resolve, reject) =>
        library.execute.async(op, results.address, count.address, status, (error) => (error ? reject(error as Error) : resolve())),
      );
      this.#throwIfFailed(operation.name, status);
      own.push(...results.words.subarray(0, returns.length));
      return returns.map((spec, i) => this.#copy(results.words[i]!, spec));
    } finally {
      for (const handle of own) library.deleteTensorHandle(handle);
      koffi.free(count.address);
      koffi.free(results.address);
      library.deleteStatus(status);
      library.deleteOp(op);
    }
  }

  /** The value that `operation` on `handle` gives, in the host's memory, shared and not copied: a handle for any context. {@link forget} it. */
  share(operation: Operation, handle: Pointer): Pointer {
    const { library } = this;
    const read = this.#makeHandle(operation, [handle]);
    try {
      const tensor = this.#checked(operation.name, (status) => library.resolveHandle(read, status));
      try {
        return this.#checked(operation.name, (status) => library.newTensorHandle(tensor, status));
      } finally {
        library.deleteTensor(tensor);
      }
    } finally {
      library.deleteTensorHandle(read);
    }
  }

  /** Waits for what is enqueued, then frees the context with everything in it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#last.catch(() => undefined);
    this.#closed = true;
    this.library.deleteContext(this.#context);
  }

  #checkOpen(): void {
    if (this.#closed) throw new EngineError({ who: "engine", expected: "an open engine", received: "a closed one" });
  }

  #makeHandle(operation: Operation, takes: readonly Pointer[]): Pointer {
    this.#checkOpen();
    const op = this.#newOperation(operation);
    const results = new BigUint64Array(1);
    try {
      for (const handle of takes) this.#checked(operation.name, (status) => this.library.addInput(op, handle, status));
      this.#checked(operation.name, (status) => this.library.execute(op, results, Int32Array.of(1), status));
      return results[0]!;
    } finally {
      this.library.deleteOp(op);
    }
  }

  #import(graph: Pointer, nodes: readonly NodeDef[]): void {
    const { library } = this;
    const bytes = encodeGraphDef(nodes);
    const buffer = library.newBuffer(bytes, bytes.length);
    const options = library.newImportOptions();
    try {
      this.#checked("compile", (status) => library.importGraphDef(graph, buffer, options, status));
    } finally {
      library.deleteImportOptions(options);
      library.deleteBuffer(buffer);
    }
  }

  #newOperation({ name, attributes, device }: Operation): Pointer {
    const { library } = this;
    return this.#checked(name, (status) => {
      const op = library.newOp(this.#context, name, status);
      if (device !== undefined) library.setDevice(op, device, status);
      for (const [key, attribute] of Object.entries(attributes)) {
        const bytes = encodeAttribute(attribute);
        library.setAttribute(op, key, bytes, bytes.length, status);
      }
      return op;
    });
  }

  async #newHandle(spec: TensorSpec, values: TensorValues): Promise<Pointer> {
    const { library } = this;
    const bytes = sizeOf(spec.shape) * BYTES_PER_ELEMENT[spec.dtype];
    const tensor = library.allocateTensor(DATA_TYPE[spec.dtype], BigInt64Array.from(spec.shape, BigInt), spec.shape.length, bytes);
    try {
      if (bytes > 0) {
        const memory = viewAs(spec, koffi.view(library.tensorData(tensor), bytes));
        if (typeof values === "function") await values(memory);
        else memory.set(values);
      }
      return this.#checked("argument", (status) => library.newTensorHandle(tensor, status));
    } finally {
      library.deleteTensor(tensor);
    }
  }

  #copy(handle: Pointer, spec: TensorSpec): EngineArray {
    const { library } = this;
    const tensor = this.#checked("result", (status) => library.resolveHandle(handle, status));
    const bytes = Number(library.tensorBytes(tensor));
    // A copy of JavaScript's own: the native memory goes back at once.
    const copy = bytes === 0 ? new ArrayBuffer(0) : koffi.view(library.tensorData(tensor), bytes).slice(0);
    library.deleteTensor(tensor);
    return viewAs(spec, copy);
  }

  #listDevices(): { name: string; type: string }[] {
    const list = this.#checked("devices", (status) => this.library.listDevices(this.#context, status));
    const devices = Array.from({ length: this.library.deviceCount(list) }, (_, i) => ({
      name: this.#checked("devices", (status) => this.library.deviceName(list, i, status)),
      type: this.#checked("devices", (status) => this.library.deviceType(list, i, status)),
    }));
    this.library.deleteDeviceList(list);
    return devices;
  }

  #checked<T>(who: string, call: (status: Pointer) => T): T {
    const status = this.library.newStatus();
    try {
      const result = call(status);
      this.#throwIfFailed(who, status);
      return result;
    } finally {
      this.library.deleteStatus(status);
    }
  }

  #throwIfFailed(who: string, status: Pointer): void {
    if (this.library.statusCode(status) === 0) return;
    throw new EngineError({ who: `tensorflow ${who}`, expected: "success", received: this.library.statusMessage(status) });
  }
}

/** Native memory of pointers, for a call on another thread, and a view on it. `koffi.free` the address. */
function nativeWords(count: number): { address: Pointer; words: BigUint64Array } {
  const size = Math.max(1, count);
  const address = koffi.alloc("uint64_t", size) as Pointer;
  return { address, words: new BigUint64Array(koffi.view(address, size * POINTER_BYTES)) };
}

/** `ConfigProto`: intra_op_parallelism_threads (2), inter_op_parallelism_threads (5), gpu_options.allow_growth (6.4). */
function encodeConfig(threads: number): Uint8Array {
  return Uint8Array.of(0x10, threads, 0x28, Math.min(threads, OPERATIONS_AT_ONCE), 0x32, 2, 0x20, 1);
}
