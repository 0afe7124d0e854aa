// What crosses the engine's edge: typed arrays, and the shape and element type that they must have.

import type { GraphDtype } from "./graph-def.ts";

/** Shape and element type of a tensor. */
export interface TensorSpec {
  shape: readonly number[];
  dtype: GraphDtype;
}

/** Plain memory that goes into a compiled function and comes out of it. Booleans are bytes 0 and 1. */
export type EngineArray = Float32Array | Int32Array | Uint8Array;

/**
 * Values for a tensor: an array, or a function that writes them into memory that the engine has made, so that they are never held
 * twice; it must not wait for the engine.
 */
export type TensorValues = EngineArray | ((into: EngineArray) => void | Promise<void>);
