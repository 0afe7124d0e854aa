// Choice of the engine: what was asked for, or the best that this machine has.

import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "@longcot/errors";
import { EAGER_BACKEND, locateEagerBinding, locateLibtensorflow, registerEagerBackend } from "@longcot/libtensorflow";
import type { Engine } from "./engine.ts";
import { EagerEngine } from "./eager-engine.ts";
import { readyWasmBackend } from "./wasm-backend.ts";
import { TracedEngine } from "./traced-engine.ts";

/**
 * `auto` takes TensorFlow where libtensorflow is installed (its GPU if it sees one), else wasm. `tensorflow-eager` runs op by op on
 * TensorFlow, without tracing: for comparison.
 */
export type EngineChoice = "auto" | "tensorflow-gpu" | "tensorflow" | "tensorflow-eager" | "wasm";

export interface EngineOptions {
  engine?: EngineChoice;
  /** Threads of an operation; default: the processors this process may use. `tensorflow-eager` takes those of the machine whatever is said here. */
  threads?: number;
}

/**
 * Opens an engine. Close it when done: it holds the weights.
 * @throws ConfigError when the engine asked for is not to be had here.
 */
export async function openEngine({ engine = "auto", threads = availableParallelism() }: EngineOptions = {}): Promise<Engine> {
  const choice = engine === "auto" ? (locateLibtensorflow() === undefined ? "wasm" : "tensorflow") : engine;
  switch (choice) {
    case "tensorflow":
    case "tensorflow-gpu":
      return new TracedEngine({ threads, requireGpu: choice === "tensorflow-gpu" });
    case "tensorflow-eager": {
      const binding = locateEagerBinding();
      if (binding === undefined) {
        throw new ConfigError({
          who: "openEngine",
          argument: "engine",
          expected: "one that is installed",
          received: "tensorflow-eager, whose binding is not compiled",
          fix: "Run `longcot-libtensorflow build-eager-binding`",
        });
      }
      registerEagerBackend(tf, binding);
      await tf.setBackend(EAGER_BACKEND);
      return new EagerEngine("tensorflow-eager", EAGER_BACKEND, `TensorFlow ${locateLibtensorflow()!.version}, op by op`);
    }
    case "wasm": {
      await readyWasmBackend(threads);
      return new EagerEngine("wasm", "wasm", `tfjs WebAssembly with ${threads} threads, op by op`);
    }
  }
}
