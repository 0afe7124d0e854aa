// Choice of the engine: what was asked for, or the best that this machine has.

import { availableParallelism } from "node:os";
import { locateLibtensorflow } from "@longcot/libtensorflow";
import type { Engine } from "./engine.ts";
import { EagerEngine } from "./eager-engine.ts";
import { readyWasmBackend } from "./wasm-backend.ts";
import { TracedEngine } from "./traced-engine.ts";

/** `auto` takes TensorFlow where libtensorflow is installed (its GPU if it sees one), else wasm. */
export type EngineChoice = "auto" | "tensorflow-gpu" | "tensorflow" | "wasm";

export interface EngineOptions {
  engine?: EngineChoice;
  /** Threads of an operation; default: the processors this process may use. */
  threads?: number;
}

/**
 * Opens an engine. Close it when done: its session holds the weights.
 * @throws ConfigError when the engine asked for is not to be had here.
 */
export async function openEngine({ engine = "auto", threads = availableParallelism() }: EngineOptions = {}): Promise<Engine> {
  const choice = engine === "auto" ? (locateLibtensorflow() === undefined ? "wasm" : "tensorflow") : engine;
  switch (choice) {
    case "tensorflow":
    case "tensorflow-gpu":
      return new TracedEngine({ threads, requireGpu: choice === "tensorflow-gpu" });
    case "wasm": {
      await readyWasmBackend(threads);
      return new EagerEngine("wasm", "wasm", `tfjs WebAssembly with ${threads} threads, op by op`);
    }
  }
}
