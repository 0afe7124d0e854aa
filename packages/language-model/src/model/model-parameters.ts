// Parameters whose values are variables of an engine.

import type { Engine, Variable } from "@longcot/tensor-kernels";
import type { Parameter } from "../architectures/architecture.ts";

/** A parameter and where its values live. */
export interface ModelParameter extends Parameter {
  variable: Variable;
}

/** Writes the values of a parameter into memory of their size. */
export type WriteParameter = (out: Float32Array, parameter: Parameter) => void | Promise<void>;

/** A variable `name/…` for each of `parameters`, holding what `write` writes; each is held once, in the engine's own memory. */
export async function createVariables(
  engine: Engine,
  name: string,
  parameters: readonly Parameter[],
  write: WriteParameter,
): Promise<ModelParameter[]> {
  const created: ModelParameter[] = [];
  for (const parameter of parameters) {
    const spec = { shape: parameter.shape, dtype: "float32" } as const;
    const variable = await engine.variable(`${name}/${parameter.name}`, spec, (into) => write(into as Float32Array, parameter));
    created.push({ ...parameter, variable });
  }
  return created;
}

/** Replaces the values of `parameters` by what `write` writes. */
export async function writeVariables(engine: Engine, parameters: readonly ModelParameter[], write: WriteParameter): Promise<void> {
  for (const parameter of parameters) await engine.write(parameter.variable, (into) => write(into as Float32Array, parameter));
}
