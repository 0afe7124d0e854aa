// The tfjs backends that run kernels eagerly in tests, without TensorFlow.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

export const EAGER_BACKENDS = ["cpu", "wasm"] as const;

/** Makes `backend` the one that kernels run on. */
export async function useBackend(backend: (typeof EAGER_BACKENDS)[number]): Promise<void> {
  if (backend === "wasm") setWasmPaths(`${join(dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm")))}/`);
  await tf.setBackend(backend);
  await tf.ready();
}
