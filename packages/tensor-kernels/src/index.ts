// @longcot/tensor-kernels: engines that run tfjs code fast, and the kernels of a language model written in it.
export type {
  Compiled,
  Engine,
  EngineArray,
  GraphDtype,
  State,
  TensorFunction,
  TensorSpec,
  TensorValues,
  Variable,
} from "./engine/engine.ts";
export { EngineError } from "./engine/tensorflow-context.ts";
export { openEngine } from "./engine/open-engine.ts";
export type { EngineChoice, EngineOptions } from "./engine/open-engine.ts";
export type { Precision } from "./engine/trace-backend.ts";
export { forLoop } from "./engine/for-loop.ts";
export type { LoopBody } from "./engine/for-loop.ts";
export { orderAfter, ownCopy, updateRows } from "./engine/graph-ops.ts";
export * from "./kernels/index.ts";
