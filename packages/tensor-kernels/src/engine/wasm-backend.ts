// tfjs's WebAssembly backend, ready to use in Node.

import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

let ready: Promise<void> | undefined;

/** Loads the backend once per process. Its binaries lie beside its package's code. */
export function readyWasmBackend(threads: number): Promise<void> {
  ready ??= (async () => {
    const entry = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
    setWasmPaths(dirname(entry) + sep);
    setThreadsCount(threads);
    await tf.setBackend("wasm");
    await tf.ready();
  })();
  return ready;
}
