// Parameters whose values are variables of an engine.

import type { Engine, Variable } from "@longcot/tensor-kernels";
import type { Parameter } from "../architectures/architecture.ts";

/** A parameter and where its values live. */
export interface ModelParameter extends Parameter {
  variable: Variable;
}

/** Writes the values of a parameter into memory of their size. The engine waits for it: it must not use the engine itself. */
export type WriteParameter = (out: Float32Array, parameter: Parameter) => void | Promise<void>;

/** Says how a parameter is written; may use the engine, unlike a {@link WriteParameter}. */
export type ParameterSource = (parameter: Parameter) => Promise<WriteParameter>;

/** A variable `name/…` for each of `parameters`, holding what `write` writes; each is held once, in the engine's own memory. */
export async function createVariables(
  engine: Engine,
  name: string,
  parameters: readonly Parameter[],
  source: WriteParameter | { from: ParameterSource },
): Promise<ModelParameter[]> {
  const created: ModelParameter[] = [];
  for (const parameter of parameters) {
    const spec = { shape: parameter.shape, dtype: "float32" } as const;
    const write = typeof source === "function" ? source : await source.from(parameter);
    const variable = await engine.variable(`${name}/${parameter.name}`, spec, (into) => write(into as Float32Array, parameter));
    created.push({ ...parameter, variable });
  }
  return created;
}

/** Replaces the values of `parameters` by what `write` writes. */
export async function writeVariables(engine: Engine, parameters: readonly ModelParameter[], write: WriteParameter): Promise<void> {
  for (const parameter of parameters) await engine.write(parameter.variable, (into) => write(into as Float32Array, parameter));
}
