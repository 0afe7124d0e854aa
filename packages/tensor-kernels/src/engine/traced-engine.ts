// The engine on TensorFlow: functions traced once into one growing graph, variables kept in its session.

import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "@longcot/errors";
import type { CompileOptions, Compiled, Engine, EngineArray, State, TensorFunction, Variable } from "./engine.ts";
import type { NodeDef } from "./graph-def.ts";
import { TensorFlowSession } from "./tensorflow-session.ts";
import type { TensorSpec, TensorValues } from "./tensor-spec.ts";
import { checkAssignment, checkInputs, checkTensorValues } from "./check-arrays.ts";
import { TRACE_BACKEND, TraceBackend, type } from "./trace-backend.ts";
import "./gradients.ts";
import "./trace-kernels/index.ts";

tf.registerBackend(TRACE_BACKEND, () => new TraceBackend(), 0);

export class TracedEngine implements Engine {
  readonly kind: "tensorflow-gpu" | "tensorflow";
  readonly description: string;
  readonly #session: TensorFlowSession;
  readonly #names = new Set<string>();
  readonly #access = new Map<
    Variable,
    { read: () => Promise<EngineArray[]>; write: (values: TensorValues) => Promise<unknown>; destroy: () => Promise<unknown> }
  >();
  #compiled = 0;

  constructor(options: { threads: number; requireGpu: boolean }) {
    this.#session = new TensorFlowSession({ threads: options.threads });
    const gpu = this.#session.devices.find((device) => device.type === "GPU");
    if (options.requireGpu && gpu === undefined) {
      void this.#session.close();
      throw new ConfigError({
        who: "openEngine",
        argument: "engine",
        expected: "a GPU that libtensorflow can use",
        received: `devices ${this.#session.devices.map((device) => device.type).join(", ")}`,
        fix: "Run `longcot doctor`, or choose engine `tensorflow`",
      });
    }
    this.kind = gpu === undefined ? "tensorflow" : "tensorflow-gpu";
    this.description = `TensorFlow ${this.#session.library.version}, ${gpu === undefined ? `CPU with ${options.threads} ${options.threads === 1 ? "thread" : "threads"}` : gpu.name}`;
  }

  async variable(name: string, spec: TensorSpec, values: TensorValues = (into) => void into.fill(0)): Promise<Variable> {
    if (this.#names.has(name))
      throw new ConfigError({ who: "variable", argument: name, expected: "a name not in use", received: "a second variable of that name" });
    const initial = checkTensorValues(name, spec, values);
    this.#names.add(name);
    const handle = `variable/${nodeName(name)}`;
    const attributes = { dtype: type(spec.dtype) };
    this.#session.extend([
      node(handle, "VarHandleOp", [], handleAttributes({ name, ...spec })),
      node(`${handle}/value`, "Placeholder", [], { ...attributes, shape: { kind: "shape", shape: spec.shape } }),
      node(`${handle}/assign`, "AssignVariableOp", [handle, `${handle}/value`], attributes),
      node(`${handle}/read`, "ReadVariableOp", [handle], attributes),
      node(`${handle}/destroy`, "DestroyResourceOp", [handle], { ignore_lookup_error: { kind: "bool", value: true } }),
    ]);
    const read = this.#session.prepare({ feeds: [], fetches: [{ output: `${handle}/read`, spec }], targets: [] });
    const write = this.#session.prepare({ feeds: [{ node: `${handle}/value`, spec }], fetches: [], targets: [`${handle}/assign`] });
    const destroy = this.#session.prepare({ feeds: [], fetches: [], targets: [`${handle}/destroy`] });
    const variable: Variable = { name, shape: [...spec.shape], dtype: spec.dtype };
    this.#access.set(variable, { read: () => read([]), write: (array) => write([array]), destroy: () => destroy([]) });
    await write([initial]);
    return variable;
  }

  async read(variable: Variable): Promise<EngineArray> {
    return (await this.#accessTo(variable).read())[0]!;
  }

  async write(variable: Variable, values: TensorValues): Promise<void> {
    await this.#accessTo(variable).write(checkTensorValues(variable.name, variable, values));
  }

  async clear(variable: Variable): Promise<void> {
    await this.#accessTo(variable).destroy();
  }

  async release(variable: Variable): Promise<void> {
    await this.#accessTo(variable).destroy();
    this.#access.delete(variable);
    this.#names.delete(variable.name);
  }

  compile<I extends string, O extends string>(
    name: string,
    inputs: Record<I, TensorSpec>,
    fn: TensorFunction<I, O>,
    { inSequence = false }: CompileOptions = {},
  ): Compiled<I, O> {
    const prefix = `${nodeName(name)}.${this.#compiled++}`;
    const trace = traceFunction(prefix, inputs, fn);
    this.#session.extend(trace.nodes);
    const inputNames = Object.keys(inputs) as I[];
    const run = this.#session.prepare({
      feeds: inputNames.map((key) => ({ node: `${prefix}/input/${key}`, spec: inputs[key] })),
      fetches: trace.outputs.map(({ output, spec }) => ({ output, spec })),
      targets: trace.assignments,
      inSequence,
    });
    return async (values) => {
      checkInputs(name, inputs, values);
      const results = await run(inputNames.map((key) => values[key]));
      return Object.fromEntries(trace.outputs.map(({ key }, i) => [key, results[i]!])) as Record<O, EngineArray>;
    };
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #accessTo(variable: Variable) {
    const access = this.#access.get(variable);
    if (access === undefined)
      throw new ConfigError({
        who: "engine",
        argument: variable.name,
        expected: "a variable of this engine",
        received: "one released, or of another engine",
      });
    return access;
  }
}

interface Trace {
  nodes: NodeDef[];
  outputs: { key: string; output: string; spec: TensorSpec }[];
  /** Names of the operations that store new values. */
  assignments: string[];
}

/** Runs `fn` once under the trace backend and returns the graph it wrote. */
function traceFunction<I extends string, O extends string>(prefix: string, inputs: Record<I, TensorSpec>, fn: TensorFunction<I, O>): Trace {
  const previous: string | undefined = tf.getBackend();
  void tf.setBackend(TRACE_BACKEND);
  const graph = tf.backend() as TraceBackend;
  graph.begin(prefix);
  try {
    return tf.tidy("trace", () => {
      const tensor = (output: string, spec: TensorSpec) => tf.engine().makeTensorFromTensorInfo(graph.info(output, spec.shape, spec.dtype));
      const entries = Object.entries(inputs) as [I, TensorSpec][];
      const nodes: NodeDef[] = [];
      const placeholders = entries.map(([key, spec]) => {
        const name = `${prefix}/input/${key}`;
        nodes.push(node(name, "Placeholder", [], { dtype: type(spec.dtype), shape: { kind: "shape", shape: spec.shape } }));
        return [key, tensor(name, spec)] as const;
      });
      // An imported graph cannot name older nodes: each has handles of its own, which share the variable by its name.
      const handles = new Map<Variable, string>();
      const handleOf = (variable: Variable): string => {
        const handle = handles.get(variable) ?? graph.emit("VarHandleOp", [], handleAttributes(variable));
        handles.set(variable, handle);
        return handle;
      };
      const reads = new Map<Variable, { node: string; tensor: tf.Tensor }>();
      const assigned = new Map<Variable, tf.Tensor>();
      const state: State = {
        read(variable) {
          const value = assigned.get(variable) ?? reads.get(variable)?.tensor;
          if (value !== undefined) return value;
          const name = graph.outsideLoops(() => graph.emit("ReadVariableOp", [handleOf(variable)], { dtype: type(variable.dtype) }));
          const read = tensor(name, variable);
          reads.set(variable, { node: name, tensor: read });
          return read;
        },
        assign(variable, value) {
          assigned.set(variable, checkAssignment(variable, value));
        },
      };
      // TensorFlow refuses to fetch what is fed: an input that is returned as it came goes through an Identity.
      const fed = new Map(placeholders.map(([key]) => [`${prefix}/input/${key}`, inputs[key].dtype]));
      const fetchable = (output: string): string =>
        fed.has(output) ? graph.emit("Identity", [output], { T: type(fed.get(output)!) }) : output;
      const results = fn(Object.fromEntries(placeholders) as Record<I, tf.Tensor>, state);
      const outputs = (Object.entries(results) as [O, tf.Tensor][]).map(([key, value]) => ({
        key,
        output: fetchable(graph.output(value)),
        spec: { shape: value.shape, dtype: value.dtype as TensorSpec["dtype"] },
      }));
      const assignments = [...assigned].map(([variable, value]) => {
        // The old value must have been read before the new one is stored.
        const read = reads.get(variable);
        const after = read === undefined ? [] : [`^${read.node}`];
        return graph.emit("AssignVariableOp", [handleOf(variable), graph.output(value), ...after], { dtype: type(variable.dtype) });
      });
      return { nodes: [...nodes, ...graph.finish()], outputs, assignments } as never;
    }) as unknown as Trace;
  } finally {
    if (previous !== undefined) void tf.setBackend(previous);
  }
}

/** TensorFlow allows few characters in the names of nodes. */
const nodeName = (name: string): string => name.replaceAll(/[^A-Za-z0-9_./-]/g, "_");
const handleAttributes = (variable: TensorSpec & { name: string }): NodeDef["attributes"] => ({
  dtype: type(variable.dtype),
  shape: { kind: "shape", shape: variable.shape },
  container: text(""),
  shared_name: text(variable.name),
});
const node = (name: string, op: string, inputs: string[], attributes: NodeDef["attributes"]): NodeDef => ({ name, op, inputs, attributes });
const text = (value: string) => ({ kind: "string", value }) as const;
