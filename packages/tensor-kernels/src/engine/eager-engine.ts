// The engine that runs tfjs op by op: the same functions, without tracing. For machines without libtensorflow, and to test the traced one against.

import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "@longcot/errors";
import { checkAssignment, checkInputs, emptyArray, ownArray } from "./check-arrays.ts";
import "./gradients.ts";
import type { Compiled, Engine, EngineArray, State, TensorFunction, TensorSpec, TensorValues, Variable } from "./engine.ts";

export class EagerEngine implements Engine {
  readonly kind: "tensorflow-eager" | "wasm" | "cpu";
  readonly description: string;
  readonly #backend: string;
  /** Null between {@link clear} and the next assignment. */
  readonly #values = new Map<Variable, tf.Tensor | null>();
  #last: Promise<unknown> = Promise.resolve();

  /** `backend` is a registered tfjs backend that is ready. */
  constructor(kind: EagerEngine["kind"], backend: string, description: string) {
    this.kind = kind;
    this.#backend = backend;
    this.description = description;
  }

  async variable(name: string, spec: TensorSpec, values?: TensorValues): Promise<Variable> {
    for (const known of this.#values.keys()) {
      if (known.name === name)
        throw new ConfigError({
          who: "variable",
          argument: name,
          expected: "a name not in use",
          received: "a second variable of that name",
        });
    }
    const variable: Variable = { name, shape: [...spec.shape], dtype: spec.dtype };
    const initial = values === undefined ? emptyArray(spec) : await ownArray(name, spec, values);
    await this.#queue(() => this.#values.set(variable, this.#tensor(initial, spec)));
    return variable;
  }

  read(variable: Variable): Promise<EngineArray> {
    return this.#queue(async () => (await this.#valueOf(variable).data()).slice() as EngineArray);
  }

  write(variable: Variable, values: TensorValues): Promise<void> {
    return this.#queue(async () => this.#replace(variable, this.#tensor(await ownArray(variable.name, variable, values), variable)));
  }

  clear(variable: Variable): Promise<void> {
    return this.#queue(() => this.#replace(variable, null));
  }

  release(variable: Variable): Promise<void> {
    return this.#queue(() => {
      this.#replace(variable, null);
      this.#values.delete(variable);
    });
  }

  lanes(): readonly Engine[] {
    return [this];
  }

  compile<I extends string, O extends string>(name: string, inputs: Record<I, TensorSpec>, fn: TensorFunction<I, O>): Compiled<I, O> {
    return (values) => {
      checkInputs(name, inputs, values);
      return this.#queue(async () => {
        const assigned = new Map<Variable, tf.Tensor>();
        const state: State = {
          read: (variable) => assigned.get(variable) ?? this.#valueOf(variable),
          assign: (variable, value) => {
            assigned.set(variable, checkAssignment(variable, value));
          },
        };
        let keys: O[] = [];
        const kept = tf.tidy(() => {
          const tensors = Object.fromEntries(
            (Object.keys(inputs) as I[]).map((key) => [key, this.#tensor(values[key], inputs[key])]),
          ) as Record<I, tf.Tensor>;
          const outputs = fn(tensors, state);
          keys = Object.keys(outputs) as O[];
          // A clone shares memory and survives the tidy even where the result is an input or a variable itself.
          return [...Object.values<tf.Tensor>(outputs), ...assigned.values()].map((tensor) => tensor.clone());
        });
        const outputs = kept.slice(0, keys.length);
        [...assigned.keys()].forEach((variable, i) => this.#replace(variable, kept[keys.length + i]!));
        const arrays = await Promise.all(outputs.map(async (tensor) => (await tensor.data()).slice() as EngineArray));
        tf.dispose(outputs);
        return Object.fromEntries(keys.map((key, i) => [key, arrays[i]!])) as Record<O, EngineArray>;
      });
    };
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    for (const value of this.#values.values()) value?.dispose();
    this.#values.clear();
  }

  #tensor(values: EngineArray, spec: TensorSpec): tf.Tensor {
    return tf.tensor(values, [...spec.shape], spec.dtype);
  }

  #valueOf(variable: Variable): tf.Tensor {
    const value = this.#slot(variable);
    if (value === null)
      throw new ConfigError({
        who: "engine",
        argument: variable.name,
        expected: "a variable with values",
        received: "one that was cleared",
      });
    return value;
  }

  #slot(variable: Variable): tf.Tensor | null {
    const value = this.#values.get(variable);
    if (value === undefined)
      throw new ConfigError({
        who: "engine",
        argument: variable.name,
        expected: "a variable of this engine",
        received: "one released, or of another engine",
      });
    return value;
  }

  #replace(variable: Variable, value: tf.Tensor | null): void {
    this.#slot(variable)?.dispose();
    this.#values.set(variable, value);
  }

  /** Calls run one after the other, each under this engine's backend. */
  #queue<T>(work: () => T | Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      if (tf.getBackend() !== this.#backend) void tf.setBackend(this.#backend);
      return work();
    };
    const result = this.#last.then(run, run);
    this.#last = result;
    return result;
  }
}
