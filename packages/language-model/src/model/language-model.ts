// A language model on an engine: its weights as variables, read from a directory or new.

import { join } from "node:path";
import type { Engine } from "@longcot/tensor-kernels";
import { initializeInto, readParameterInto } from "../architectures/parameter-layout.ts";
import { ADAPTER_WEIGHTS_FILE } from "../files/adapter-config.ts";
import type { AdapterConfig } from "../files/adapter-config.ts";
import { openCheckpoint } from "../files/checkpoint.ts";
import type { ModelConfig } from "../files/model-config.ts";
import { readModelDirectory } from "../files/model-directory.ts";
import type { CompanionFiles } from "../files/model-directory.ts";
import { openSafetensors } from "../files/safetensors.ts";
import { attachLora } from "../lora/attach-lora.ts";
import { buildModel } from "./build-model.ts";
import { writeVariables } from "./model-parameters.ts";
import type { WriteParameter } from "./model-parameters.ts";
import type { EngineModel, LanguageModel } from "./model.ts";

export type { LanguageModel } from "./model.ts";

export interface ModelOptions {
  /** Prefix of the variables' names; default `model`. */
  name?: string;
}

/**
 * The model in `directory`, read a few megabytes at a time into the engine's own memory; a folder of PEFT's format gives its base model with the
 * adapters attached.
 * @throws DataError naming the file or tensor that is missing, damaged or of another shape; ConfigError for an architecture or field not supported.
 */
export async function loadLanguageModel(engine: Engine, directory: string, options: ModelOptions = {}): Promise<LanguageModel> {
  const { config, checkpoint, companions, adapter } = await readModelDirectory(directory);
  try {
    const model = await build(engine, config, companions, options, (out, parameter) => readParameterInto(out, parameter, checkpoint));
    return adapter === undefined ? model : await loadAdapter(model, directory, adapter);
  } finally {
    await checkpoint.close();
  }
}

async function loadAdapter(model: LanguageModel, directory: string, options: AdapterConfig): Promise<LanguageModel> {
  const weights = await openSafetensors(join(directory, ADAPTER_WEIGHTS_FILE));
  try {
    return await attachLora(model, options, (out, parameter) => readParameterInto(out, parameter, weights));
  } finally {
    await weights.close();
  }
}

/**
 * Replaces what is trainable in `model` by what `directory` holds: a checkpoint of the same shape, or adapters where the model has them.
 * @throws DataError as {@link loadLanguageModel}; the parameters before the damaged one are replaced by then.
 */
export async function restoreWeights(model: EngineModel, directory: string): Promise<void> {
  const file = model.lora === undefined ? await openCheckpoint(directory) : await openSafetensors(join(directory, ADAPTER_WEIGHTS_FILE));
  try {
    await writeVariables(model.engine, model.trainable, (out, parameter) => readParameterInto(out, parameter, file));
  } finally {
    await file.close();
  }
}

/** A new model: normal weights of the config's initializer range, keyed by `seed` and the parameter's name; norms one, biases zero. */
export async function createLanguageModel(
  engine: Engine,
  config: ModelConfig,
  companions: CompanionFiles,
  options: ModelOptions & { seed: number },
): Promise<LanguageModel> {
  const { seed } = options;
  return build(engine, config, companions, options, (out, parameter) =>
    initializeInto(out, parameter, { seed, standardDeviation: config.initializerRange }),
  );
}

/** Number of parameters. */
export function countParameters(model: EngineModel): number {
  return model.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

async function build(
  engine: Engine,
  config: ModelConfig,
  companions: CompanionFiles,
  { name = "model" }: ModelOptions,
  write: WriteParameter,
): Promise<LanguageModel> {
  return { ...(await buildModel(engine, config, companions, { name, head: "language" }, write)), head: "language" };
}
