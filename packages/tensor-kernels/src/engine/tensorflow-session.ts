// One TensorFlow graph and its session: the graph grows while it lives, runs leave the event loop free.

import koffi from "koffi";
import { LongcotError } from "@longcot/errors";
import { DATA_TYPE, encodeGraphDef } from "./graph-def.ts";
import type { NodeDef } from "./graph-def.ts";
import { loadTensorFlow } from "./tensorflow-library.ts";
import type { Pointer, TensorFlowLibrary } from "./tensorflow-library.ts";
import { BYTES_PER_ELEMENT, sizeOf, viewAs } from "./check-arrays.ts";
import type { EngineArray, TensorSpec, TensorValues } from "./tensor-spec.ts";

/** One way of running the graph: what is fed, what is fetched, which operations must happen. */
export interface RunSignature {
  feeds: readonly { node: string; spec: TensorSpec }[];
  fetches: readonly { output: string; spec: TensorSpec }[];
  targets: readonly string[];
  /** One operation after the other, on the thread of the run; else two at once on threads of the session. Default false. */
  inSequence?: boolean;
}

export interface SessionOptions {
  /** Threads inside one operation. */
  threads: number;
}

/** TensorFlow refused a graph or failed in a run: its own words. */
export class EngineError extends LongcotError {
  override readonly code = "ENGINE";
}

/** Two at once fill the gaps that small operations leave: a decode step of 64 sequences took 15 to 20 ms, one at a time 18 to 21. */
const OPERATIONS_AT_ONCE = 2;
/** `RunOptions`: inter_op_thread_pool (3) −1, the thread that calls. */
const CALLERS_THREAD = Uint8Array.of(0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
const TF_OUTPUT_BYTES = 16;
const POINTER_BYTES = 8;

export class TensorFlowSession {
  readonly library: TensorFlowLibrary;
  readonly devices: readonly { name: string; type: string }[];
  readonly #graph: Pointer;
  readonly #session: Pointer;
  /** `RunOptions` of a run in sequence. */
  readonly #inSequence: Pointer;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: SessionOptions) {
    const library = loadTensorFlow();
    this.library = library;
    this.#graph = library.newGraph();
    const sessionOptions = library.newSessionOptions();
    const config = encodeSessionConfig(options);
    this.#session = this.#checked("session", (status) => {
      library.setConfig(sessionOptions, config, config.length, status);
      return library.newSession(this.#graph, sessionOptions, status);
    });
    library.deleteSessionOptions(sessionOptions);
    this.#inSequence = library.newBuffer(CALLERS_THREAD, CALLERS_THREAD.length);
    this.devices = this.#listDevices();
  }

  /** Adds `nodes`, whose inputs are among themselves. */
  extend(nodes: readonly NodeDef[]): void {
    this.#checkOpen();
    const bytes = encodeGraphDef(nodes);
    const buffer = this.library.newBuffer(bytes, bytes.length);
    const options = this.library.newImportOptions();
    try {
      this.#checked("compile", (status) => this.library.importGraphDef(this.#graph, buffer, options, status));
    } finally {
      this.library.deleteImportOptions(options);
      this.library.deleteBuffer(buffer);
    }
  }

  /** Resolves a signature once; the returned function runs it with inputs in the order of `feeds`. Runs of one session queue up. */
  prepare(signature: RunSignature): (inputs: readonly TensorValues[]) => Promise<EngineArray[]> {
    this.#checkOpen();
    const { feeds, fetches, targets, inSequence = false } = signature;
    const feedNames = this.#outputArray(feeds.map((feed) => feed.node));
    const fetchNames = this.#outputArray(fetches.map((fetch) => fetch.output));
    const targetNames = this.#operationArray(targets);
    const inputPointers = nativeArray(feeds.length);
    const outputPointers = nativeArray(fetches.length);
    return (inputs) => {
      const run = async (): Promise<EngineArray[]> => {
        this.#checkOpen();
        const tensors = feeds.map(({ spec }) => this.#newTensor(spec));
        const status = this.library.newStatus();
        try {
          for (const [i, tensor] of tensors.entries()) {
            await this.#fillTensor(tensor, feeds[i]!.spec, inputs[i]!);
            inputPointers.words[i] = tensor;
          }
          await new Promise<void>((resolve, reject) => {
            this.library.sessionRun.async(
              this.#session,
              inSequence ? this.#inSequence : null,
              feedNames,
              inputPointers.address,
              feeds.length,
              fetchNames,
              outputPointers.address,
              fetches.length,
              targetNames,
              targets.length,
              null,
              status,
              (error) => (error ? reject(error as Error) : resolve()),
            );
          });
          this.#throwIfFailed("run", status);
          return fetches.map((fetch, i) => this.#takeTensor(outputPointers.words[i]!, fetch.spec));
        } finally {
          this.library.deleteStatus(status);
          for (const tensor of tensors) this.library.deleteTensor(tensor);
        }
      };
      const result = this.#last.then(run, run);
      this.#last = result;
      return result;
    };
  }

  /** Waits for the running step, then frees the session, its variables and the graph. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#last.catch(() => undefined);
    this.#closed = true;
    this.#checked("close", (status) => this.library.closeSession(this.#session, status));
    this.#checked("close", (status) => this.library.deleteSession(this.#session, status));
    this.library.deleteGraph(this.#graph);
    this.library.deleteBuffer(this.#inSequence);
  }

  #checkOpen(): void {
    if (this.#closed) throw new EngineError({ who: "engine", expected: "an open engine", received: "a closed one" });
  }

  #newTensor(spec: TensorSpec): Pointer {
    const bytes = sizeOf(spec.shape) * BYTES_PER_ELEMENT[spec.dtype];
    return this.library.allocateTensor(DATA_TYPE[spec.dtype], BigInt64Array.from(spec.shape, BigInt), spec.shape.length, bytes);
  }

  async #fillTensor(tensor: Pointer, spec: TensorSpec, values: TensorValues): Promise<void> {
    const bytes = Number(this.library.tensorBytes(tensor));
    if (bytes === 0) return;
    const memory = viewAs(spec, koffi.view(this.library.tensorData(tensor), bytes));
    if (typeof values === "function") await values(memory);
    else memory.set(values);
  }

  #takeTensor(tensor: Pointer, spec: TensorSpec): EngineArray {
    const bytes = Number(this.library.tensorBytes(tensor));
    // A copy of JavaScript's own: the native memory goes back at once.
    const copy = bytes === 0 ? new ArrayBuffer(0) : koffi.view(this.library.tensorData(tensor), bytes).slice(0);
    this.library.deleteTensor(tensor);
    return viewAs(spec, copy);
  }

  #operation(name: string): Pointer {
    const operation = this.library.operationByName(this.#graph, name);
    if (operation === null)
      throw new EngineError({
        who: "prepare",
        argument: name,
        expected: "an operation of the graph",
        received: "internal: an unknown name",
      });
    return operation;
  }

  #outputArray(names: readonly string[]): Pointer {
    const { address, words } = nativeArray((names.length * TF_OUTPUT_BYTES) / POINTER_BYTES);
    names.forEach((output, i) => {
      const [name, index] = output.split(":");
      words[2 * i] = this.#operation(name!);
      words[2 * i + 1] = BigInt(index ?? 0);
    });
    return address;
  }

  #operationArray(names: readonly string[]): Pointer {
    const { address, words } = nativeArray(names.length);
    names.forEach((name, i) => (words[i] = this.#operation(name)));
    return address;
  }

  #listDevices(): { name: string; type: string }[] {
    const list = this.#checked("devices", (status) => this.library.listDevices(this.#session, status));
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

/** Native memory of `words` pointers, and a view on it. Held for the life of the process: one small block per compiled signature. */
function nativeArray(words: number): { address: Pointer; words: BigUint64Array } {
  const count = Math.max(1, words);
  const address = koffi.alloc("uint64_t", count) as Pointer;
  return { address, words: new BigUint64Array(koffi.view(address, count * POINTER_BYTES)) };
}

/**
 * `ConfigProto`: intra_op_parallelism_threads (2), inter_op_parallelism_threads (5), gpu_options.allow_growth (6.4), and
 * graph_options.place_pruned_graph (10.6): without it every function compiled places all those before it again (25 functions took 7.4 s instead
 * of 2.2 s of processor time).
 */
function encodeSessionConfig({ threads }: SessionOptions): Uint8Array {
  return Uint8Array.of(0x10, threads, 0x28, Math.min(threads, OPERATIONS_AT_ONCE), 0x32, 2, 0x20, 1, 0x52, 2, 0x30, 1);
}
