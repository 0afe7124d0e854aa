// Typed arrays held against the shape and element type they must have, at the engine's edge.

import { ShapeError } from "@longcot/errors";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { Variable } from "./engine.ts";
import type { EngineArray, TensorSpec, TensorValues } from "./tensor-spec.ts";

const ARRAY_OF = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

export const BYTES_PER_ELEMENT = { float32: 4, int32: 4, bool: 1 } as const;

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dimension) => size * dimension, 1);

/** Zeros of a spec. */
export function emptyArray(spec: TensorSpec): EngineArray {
  return new ARRAY_OF[spec.dtype](sizeOf(spec.shape));
}

/** `memory` as a spec's elements. */
export function viewAs(spec: TensorSpec, memory: ArrayBuffer): EngineArray {
  return new ARRAY_OF[spec.dtype](memory);
}

/** `values`, if they fit `spec`. @throws ShapeError */
export function checkValues(name: string, spec: TensorSpec, values: EngineArray | undefined): EngineArray {
  const expected = ARRAY_OF[spec.dtype];
  if (!(values instanceof expected) || values.length !== sizeOf(spec.shape)) {
    throw new ShapeError({
      who: "engine",
      argument: name,
      expected: `${expected.name} of ${sizeOf(spec.shape)} (${spec.dtype} [${spec.shape.join(", ")}])`,
      received: values === undefined ? "nothing" : `${values.constructor.name} of ${values.length}`,
    });
  }
  return values;
}

/** {@link checkValues}, where they are an array. @throws ShapeError */
export function checkTensorValues(name: string, spec: TensorSpec, values: TensorValues): TensorValues {
  return typeof values === "function" ? values : checkValues(name, spec, values);
}

/** An array of `values` that nothing else uses. @throws ShapeError */
export async function ownArray(name: string, spec: TensorSpec, values: TensorValues): Promise<EngineArray> {
  if (typeof values !== "function") return checkValues(name, spec, values).slice();
  const array = emptyArray(spec);
  await values(array);
  return array;
}

/** Every input of a compiled function there, and none more. @throws ShapeError */
export function checkInputs(name: string, specs: Record<string, TensorSpec>, values: Record<string, EngineArray>): void {
  for (const [key, spec] of Object.entries(specs)) checkValues(`${name}.${key}`, spec, values[key]);
  for (const key of Object.keys(values)) {
    if (!(key in specs))
      throw new ShapeError({
        who: name,
        argument: key,
        expected: `one of ${Object.keys(specs).join(", ")}`,
        received: "an input that the function does not have",
      });
  }
}

/** `value`, if it may become `variable`'s. @throws ShapeError */
export function checkAssignment(variable: Variable, value: Tensor): Tensor {
  if (value.dtype === variable.dtype && value.shape.join() === variable.shape.join()) return value;
  throw new ShapeError({
    who: "assign",
    argument: variable.name,
    expected: `${variable.dtype} [${variable.shape.join(", ")}]`,
    received: `${value.dtype} [${value.shape.join(", ")}]`,
  });
}
