// The options of every command that runs a model: which engine, how many threads.
import type { EngineChoice } from "@longcot/tensor-kernels";
import { Option } from "commander";
import type { Command } from "commander";
import { wholeNumber } from "./option-values.ts";

const ENGINES = ["auto", "tensorflow-gpu", "tensorflow", "wasm"] as const satisfies readonly EngineChoice[];

export interface EngineFlags {
  engine: (typeof ENGINES)[number];
  /** Undefined: all processors that the process may use. */
  threads?: number | undefined;
}

export function addEngineOptions(command: Command): Command {
  return command
    .addOption(new Option("--engine <name>", "where to compute; auto takes the best of this machine").choices(ENGINES).default("auto"))
    .option("--threads <N>", "threads of an operation (default: all processors)", wholeNumber(1));
}
