// Choice of the engine: what was asked for, or the best that this machine has.

import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "@longcot/errors";
import { EAGER_BACKEND, locateEagerBinding, locateLibtensorflow, registerEagerBackend } from "@longcot/libtensorflow";
import type { Engine } from "./engine.ts";
import { EagerEngine } from "./eager-engine.ts";
import { readyWasmBackend } from "./wasm-backend.ts";
import type { Precision } from "./trace-backend.ts";
import { TracedEngine } from "./traced-engine.ts";

/**
 * `auto` takes TensorFlow where libtensorflow is installed (its GPU if it sees one), else wasm. `tensorflow-eager` runs op by op on
 * TensorFlow, without tracing: for comparison.
 */
export type EngineChoice = "auto" | "tensorflow-gpu" | "tensorflow" | "tensorflow-eager" | "wasm";

export interface EngineOptions {
  engine?: EngineChoice | undefined;
  /** Threads of an operation; default: the processors this process may use. `tensorflow-eager` takes those of the machine whatever is said here. */
  threads?: number | undefined;
  /**
   * What dense layers multiply in. `bfloat16` rounds a product's inputs and its result, gradients' included; weights, sums, norms, attention and logits stay
   * float32. For devices that multiply bfloat16 faster (AVX-512 BF16, AMX, NVIDIA from Ampere on); on others it is slower. Default `float32`.
   */
  precision?: Precision | undefined;
  /**
   * Whether XLA compiles what is traced: few large kernels instead of one for every operation. For GPUs; on CPUs it is slower. A function's first call takes
   * seconds longer. Functions with a loop on the device (attention in blocks) and those that write into a cache (decoding) run without it. Needs an engine that traces. Default false.
   */
  xla?: boolean | undefined;
}

/**
 * Opens an engine. Close it when done: it holds the weights.
 * @throws ConfigError when the engine asked for is not to be had here.
 */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  const { engine = "auto", threads = availableParallelism(), precision = "float32", xla = false } = options;
  const choice = engine === "auto" ? (locateLibtensorflow() === undefined ? "wasm" : "tensorflow") : engine;
  if (choice !== "tensorflow" && choice !== "tensorflow-gpu") {
    if (precision !== "float32") refuseOpByOp("precision", `float32 on the engine ${choice}`, precision);
    if (xla) refuseOpByOp("xla", `false on the engine ${choice}`, "true");
  }
  switch (choice) {
    case "tensorflow":
    case "tensorflow-gpu":
      return new TracedEngine({ threads, requireGpu: choice === "tensorflow-gpu", precision, xla });
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

function refuseOpByOp(argument: keyof EngineOptions, expected: string, received: string): never {
  throw new ConfigError({
    who: "openEngine",
    argument,
    expected: `${expected}, which runs op by op`,
    received,
    fix: `Install TensorFlow's library (\`longcot doctor\`), or leave the ${argument} out`,
  });
}
