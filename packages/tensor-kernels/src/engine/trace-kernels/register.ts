// How a tfjs kernel becomes a graph node: the registration that every file of this folder uses.

import * as tf from "@tensorflow/tfjs-core";
import type { NamedAttrMap, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs-core";
import { TRACE_BACKEND } from "../trace-backend.ts";
import type { TraceBackend } from "../trace-backend.ts";

/** What a trace kernel gets: input descriptions, attributes, and the graph under construction. */
export interface TraceCall<I = Record<string, TensorInfo>, A = Record<string, never>> {
  inputs: I;
  attrs: A;
  graph: TraceBackend;
}

/** Registers `trace` as the kernel `name` of the trace backend. */
export function register<I = Record<string, TensorInfo>, A = Record<string, never>>(
  name: string,
  trace: (call: TraceCall<I, A>) => TensorInfo | TensorInfo[],
): void {
  tf.registerKernel({
    kernelName: name,
    backendName: TRACE_BACKEND,
    kernelFunc: ({ inputs, attrs, backend }: { inputs: NamedTensorInfoMap; attrs?: NamedAttrMap; backend: unknown }) =>
      trace({ inputs: inputs as I, attrs: (attrs ?? {}) as A, graph: backend as TraceBackend }),
  });
}
