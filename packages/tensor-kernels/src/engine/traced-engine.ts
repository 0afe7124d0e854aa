// The engine on TensorFlow: functions traced once into graphs, variables kept in its context.

import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "@longcot/errors";
import type { Compiled, Engine, EngineArray, State, TensorFunction, Variable } from "./engine.ts";
import type { Attribute, NodeDef } from "./graph-def.ts";
import { TensorFlowContext } from "./tensorflow-context.ts";
import type { Argument, Loan, Operation } from "./tensorflow-context.ts";
import type { Pointer } from "./tensorflow-library.ts";
import type { TensorSpec, TensorValues } from "./tensor-spec.ts";
import { checkAssignment, checkInputs, checkTensorValues } from "./check-arrays.ts";
import { TRACE_BACKEND, TraceBackend, bool, type } from "./trace-backend.ts";
import type { TraceOptions } from "./trace-backend.ts";
import "./gradients.ts";
import "./trace-kernels/index.ts";

tf.registerBackend(TRACE_BACKEND, () => new TraceBackend(), 0);

export class TracedEngine implements Engine {
  readonly kind: "tensorflow-gpu" | "tensorflow";
  readonly description: string;
  readonly #context: TensorFlowContext;
  /** Handles of the variables that are there. */
  readonly #handles = new Map<Variable, Pointer>();
  readonly #options: TraceOptions;
  readonly #threads: number;
  /** Whose variables this engine's functions may read beside its own. */
  readonly #lender: TracedEngine | undefined;
  readonly #lanes: TracedEngine[] = [];
  /** Handles of values that lanes read, until something assigns the variable. */
  readonly #lent = new Map<Variable, Pointer>();
  readonly #names = new Set<string>();
  #compiled = 0;

  constructor(
    { threads, requireGpu, precision, xla }: Omit<TraceOptions, "gpu"> & { threads: number; requireGpu: boolean },
    lender?: TracedEngine,
  ) {
    this.#threads = threads;
    this.#lender = lender;
    this.#context = new TensorFlowContext({ threads });
    const gpu = this.#context.devices.find((device) => device.type === "GPU");
    if (requireGpu && gpu === undefined) {
      void this.#context.close();
      throw new ConfigError({
        who: "openEngine",
        argument: "engine",
        expected: "a GPU that libtensorflow can use",
        received: `devices ${this.#context.devices.map((device) => device.type).join(", ")}`,
        fix: "Run `longcot doctor`, or choose engine `tensorflow`",
      });
    }
    this.kind = gpu === undefined ? "tensorflow" : "tensorflow-gpu";
    if (gpu !== undefined) this.#context.library.settleGpu();
    this.#options = { precision, xla, gpu: gpu !== undefined };
    const device = gpu?.name ?? `CPU with ${threads} ${threads === 1 ? "thread" : "threads"}`;
    const manner = [...(xla ? ["XLA"] : []), ...(precision === "float32" ? [] : [`${precision} products`])];
    this.description = [`TensorFlow ${this.#context.library.version}`, device, ...manner].join(", ");
  }

  async variable(name: string, spec: TensorSpec, values: TensorValues = (into) => void into.fill(0)): Promise<Variable> {
    if (this.#names.has(name))
      throw new ConfigError({ who: "variable", argument: name, expected: "a name not in use", received: "a second variable of that name" });
    const initial = checkTensorValues(name, spec, values);
    this.#names.add(name);
    const variable: Variable = { name, shape: [...spec.shape], dtype: spec.dtype };
    this.#handles.set(variable, this.#context.makeHandle(handleOf(variable)));
    await this.write(variable, initial);
    return variable;
  }

  async read(variable: Variable): Promise<EngineArray> {
    const handle = this.#handle(variable);
    const [values] = await this.#context.enqueue(() => this.#context.execute(readOf(variable), [{ handle }], [variable]));
    return values!;
  }

  async write(variable: Variable, values: TensorValues): Promise<void> {
    const takes = [{ handle: this.#handle(variable) }, { spec: variable, values: checkTensorValues(variable.name, variable, values) }];
    await this.#replace([variable], { name: "AssignVariableOp", attributes: { dtype: type(variable.dtype) } }, takes);
  }

  async clear(variable: Variable): Promise<void> {
    const handle = this.#handle(variable);
    await this.#replace([variable], { name: "DestroyResourceOp", attributes: { ignore_lookup_error: bool(true) } }, [{ handle }]);
  }

  async release(variable: Variable): Promise<void> {
    const handle = this.#handle(variable);
    await this.clear(variable);
    this.#context.forget(handle);
    this.#handles.delete(variable);
    this.#names.delete(variable.name);
  }

  lanes(count: number): readonly Engine[] {
    if (this.kind !== "tensorflow" || this.#threads === 1) return [this];
    const most = Math.min(count, this.#threads);
    while (this.#lanes.length < most) this.#lanes.push(new TracedEngine({ ...this.#options, threads: 1, requireGpu: false }, this));
    return this.#lanes.slice(0, most);
  }

  compile<I extends string, O extends string>(name: string, inputs: Record<I, TensorSpec>, fn: TensorFunction<I, O>): Compiled<I, O> {
    const prefix = `${nodeName(name)}.${this.#compiled++}`;
    const { xla } = this.#options;
    const lender = this.#lender;
    const isLent = (variable: Variable): boolean => lender !== undefined && lender.#handles.has(variable);
    const first = traceFunction(prefix, inputs, fn, isLent, this.#options);
    // XLA compiles no loops of this kind, and would copy a table to write a row of it: such functions are TensorFlow's to run.
    const throughXla = xla && !has(first, "Enter", "InplaceUpdate");
    const { nodes, outputs, variables, lent, assigned, assignments } =
      xla && !throughXla ? traceFunction(prefix, inputs, fn, isLent, { ...this.#options, xla: false }) : first;
    const keys = Object.keys(inputs) as I[];
    const operation: Operation = {
      name: `Traced/${prefix}`,
      attributes: throughXla ? COMPILED_BY_XLA : {},
      device: throughXla ? (this.kind === "tensorflow" ? "/device:CPU:0" : "/device:GPU:0") : undefined,
    };
    this.#context.define(operation.name, {
      nodes,
      inputs: [...keys.map((key) => `${prefix}/input/${key}`), ...variables.values(), ...lent.values()],
      outputs: outputs.map(({ output }) => output),
      effects: assignments,
    });
    const returns = outputs.map(({ spec }) => spec);
    const loan = lent.size === 0 ? undefined : lender!.#loan([...lent.keys()]);
    return async (values) => {
      checkInputs(name, inputs, values);
      const takes = [
        ...keys.map((key) => ({ spec: inputs[key], values: values[key] })),
        ...Array.from(variables.keys(), (variable) => ({ handle: this.#handle(variable) })),
      ];
      const results = await this.#replace(assigned, operation, takes, returns, loan);
      return Object.fromEntries(outputs.map(({ key }, i) => [key, results[i]!])) as Record<O, EngineArray>;
    };
  }

  async close(): Promise<void> {
    for (const lane of this.#lanes) await lane.close();
    this.#takeBack([...this.#lent.keys()]);
    await this.#context.close();
  }

  /** Executes what gives `assigned` new values. */
  #replace(
    assigned: readonly Variable[],
    operation: Operation,
    takes: readonly Argument[],
    returns: readonly TensorSpec[] = [],
    loan?: Loan,
  ): Promise<EngineArray[]> {
    return this.#context.enqueue(() => {
      this.#takeBack(assigned);
      return this.#context.execute(operation, takes, returns, loan);
    });
  }

  #takeBack(variables: readonly Variable[]): void {
    for (const variable of variables) {
      const handle = this.#lent.get(variable);
      if (handle === undefined) continue;
      this.#context.forget(handle);
      this.#lent.delete(variable);
    }
  }

  #loan(variables: readonly Variable[]): Loan {
    return {
      handles: () => (variables.every((variable) => this.#lent.has(variable)) ? variables.map((one) => this.#lent.get(one)!) : undefined),
      renew: () =>
        this.#context.enqueue(async () => {
          for (const variable of variables) {
            if (this.#lent.has(variable)) continue;
            this.#lent.set(variable, this.#context.share(readOf(variable), this.#handle(variable)));
          }
        }),
    };
  }

  #handle(variable: Variable): Pointer {
    const handle = this.#handles.get(variable);
    if (handle === undefined)
      throw new ConfigError({
        who: "engine",
        argument: variable.name,
        expected: "a variable of this engine",
        received: "one released, or of another engine",
      });
    return handle;
  }
}

interface Trace {
  nodes: NodeDef[];
  outputs: { key: string; output: string; spec: TensorSpec }[];
  /** The variables in use, in the order of the arguments that take their handles, and those arguments' nodes. */
  variables: Map<Variable, string>;
  /** Variables of the engine that lends, whose values are arguments after those. */
  lent: Map<Variable, string>;
  assigned: readonly Variable[];
  /** Names of the operations that store new values. */
  assignments: string[];
}

/** Runs `fn` once under the trace backend and returns the graph it wrote. */
function traceFunction<I extends string, O extends string>(
  prefix: string,
  inputs: Record<I, TensorSpec>,
  fn: TensorFunction<I, O>,
  isLent: (variable: Variable) => boolean,
  options: TraceOptions,
): Trace {
  const previous: string | undefined = tf.getBackend();
  void tf.setBackend(TRACE_BACKEND);
  const graph = tf.backend() as TraceBackend;
  graph.begin(prefix, options);
  let trace: Trace;
  try {
    tf.tidy("trace", () => {
      const tensor = (output: string, spec: TensorSpec) => tf.engine().makeTensorFromTensorInfo(graph.info(output, spec.shape, spec.dtype));
      const entries = Object.entries(inputs) as [I, TensorSpec][];
      const nodes: NodeDef[] = [];
      const argument = (name: string, dtype: Attribute, shape: readonly number[]): string => {
        nodes.push({ name, op: "Placeholder", inputs: [], attributes: { dtype, shape: { kind: "shape", shape } } });
        return name;
      };
      const placeholders = entries.map(
        ([key, spec]) => [key, tensor(argument(`${prefix}/input/${key}`, type(spec.dtype), spec.shape), spec)] as const,
      );
      const variables = new Map<Variable, string>();
      const handle = (variable: Variable): string => {
        const known = variables.get(variable) ?? argument(`${prefix}/variable/${variables.size}`, RESOURCE, []);
        variables.set(variable, known);
        return known;
      };
      const lent = new Map<Variable, string>();
      const reads = new Map<Variable, { node: string; tensor: tf.Tensor }>();
      const assigned = new Map<Variable, tf.Tensor>();
      const state: State = {
        read(variable) {
          const value = assigned.get(variable) ?? reads.get(variable)?.tensor;
          if (value !== undefined) return value;
          const name = isLent(variable)
            ? argument(`${prefix}/lent/${lent.size}`, type(variable.dtype), variable.shape)
            : graph.outsideLoops(() => graph.emit("ReadVariableOp", [handle(variable)], { dtype: type(variable.dtype) }));
          if (isLent(variable)) lent.set(variable, name);
          const read = tensor(name, variable);
          reads.set(variable, { node: name, tensor: read });
          return read;
        },
        assign(variable, value) {
          if (isLent(variable))
            throw new ConfigError({
              who: "assign",
              argument: variable.name,
              expected: "a variable of this lane",
              received: "one of its engine",
            });
          assigned.set(variable, checkAssignment(variable, value));
        },
      };
      const results = fn(Object.fromEntries(placeholders) as Record<I, tf.Tensor>, state);
      const outputs = (Object.entries(results) as [O, tf.Tensor][]).map(([key, value]) => ({
        key,
        output: graph.output(value),
        spec: { shape: value.shape, dtype: value.dtype as TensorSpec["dtype"] },
      }));
      const assignments = [...assigned].map(([variable, value]) => {
        // The old value must have been read before the new one is stored.
        const read = reads.get(variable);
        const after = read === undefined ? [] : [`^${read.node}`];
        return graph.emit("AssignVariableOp", [handle(variable), graph.output(value), ...after], { dtype: type(variable.dtype) });
      });
      // Not returned: tidy would look for tensors in every byte of it.
      trace = { nodes: [...nodes, ...graph.finish()], outputs, variables, lent, assigned: [...assigned.keys()], assignments };
    });
    return trace!;
  } finally {
    if (previous !== undefined) void tf.setBackend(previous);
  }
}

const has = ({ nodes }: Trace, ...operations: string[]): boolean => nodes.some(({ op }) => operations.includes(op));
/** TensorFlow allows few characters in the names of nodes. */
const nodeName = (name: string): string => name.replaceAll(/[^A-Za-z0-9_./-]/g, "_");
/** The operation that makes a variable and gives its handle. */
const handleOf = ({ name, dtype, shape }: Variable): Operation => ({
  name: "VarHandleOp",
  attributes: { dtype: type(dtype), shape: { kind: "shape", shape }, container: text(""), shared_name: text(name) },
  // On a GPU too TensorFlow stores integers in the host's memory.
  device: dtype === "float32" ? undefined : "/device:CPU:0",
});
const readOf = ({ dtype }: Variable): Operation => ({ name: "ReadVariableOp", attributes: { dtype: type(dtype) } });
const text = (value: string) => ({ kind: "string", value }) as const;
const RESOURCE = { kind: "type", type: "resource" } as const;
/** XLA compiles the whole function, or the call fails. */
const COMPILED_BY_XLA: Operation["attributes"] = { _XlaMustCompile: bool(true) };
