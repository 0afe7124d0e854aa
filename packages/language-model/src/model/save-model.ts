// Models written to disk: whole ones in the Hugging Face layout, adapters in PEFT's format.

import { join } from "node:path";
import { atomicFolder } from "@longcot/durable-files";
import { ConfigError } from "@longcot/errors";
import type { Parameter } from "../architectures/architecture.ts";
import { ARCHITECTURES } from "../architectures/index.ts";
import { initializeInto, partOfParameter } from "../architectures/parameter-layout.ts";
import { ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, serializeAdapterConfig } from "../files/adapter-config.ts";
import type { WeightDtype } from "../files/half-precision.ts";
import type { ModelConfig } from "../files/model-config.ts";
import { writeModelDirectory, writeTextFiles } from "../files/model-directory.ts";
import { writeSafetensors, type TensorSource } from "../files/write-safetensors.ts";
import { adapts, mergedWeight } from "../lora/merge-lora.ts";
import type { ModelParameter } from "./model-parameters.ts";
import type { EngineModel, LanguageModel, ScalarModel } from "./model.ts";

export interface SaveOptions {
  /** Element type on disk; default: the config's. */
  dtype?: WeightDtype;
  /** Most bytes of weights in one file; more are sharded. Default 5 GB. */
  maxShardBytes?: number;
}

/**
 * Writes the model as the new folder `directory`, in the Hugging Face layout, whole or not at all; adapters are merged into the weights.
 * transformers, vLLM and SGLang load it as is.
 * @throws DataError where the folder exists.
 */
export async function saveLanguageModel(model: LanguageModel, directory: string, options: SaveOptions = {}): Promise<void> {
  await saveWhole(model, directory, options);
}

/**
 * Writes the model as the new folder `directory`, whole or not at all, as a sequence classifier with one label (or a token classifier, as its head is):
 * transformers' `AutoModelForSequenceClassification` (`AutoModelForTokenClassification`) and `loadScalarModel` load it as is.
 * @throws DataError where the folder exists.
 */
export async function saveScalarModel(model: ScalarModel, directory: string, options: SaveOptions = {}): Promise<void> {
  await saveWhole(model, directory, options);
}

async function saveWhole(model: LanguageModel | ScalarModel, directory: string, options: SaveOptions): Promise<void> {
  const { config, head, companions, parameters } = model;
  await writeModelDirectory(directory, {
    config,
    head,
    companions,
    tensors: checkpointTensors(parameters, (one) => parameterValues(model, one)),
    ...options,
  });
}

/**
 * Writes the adapters of `model` as the new folder `directory`, whole or not at all, with its tokenizer files: PEFT loads it, and so does `loadLanguageModel`.
 * @throws DataError where the folder exists; ConfigError where the model has no adapters.
 */
export async function saveAdapter(
  model: LanguageModel,
  directory: string,
  { dtype = "float32" }: Pick<SaveOptions, "dtype"> = {},
): Promise<void> {
  const { lora, engine, companions } = model;
  if (lora === undefined)
    throw new ConfigError({ who: "saveAdapter", argument: "model", expected: "one with adapters", received: model.name });
  const tensors = checkpointTensors(lora.parameters, async ({ variable }) => (await engine.read(variable)) as Float32Array);
  await atomicFolder(directory, async (folder) => {
    const config = `${JSON.stringify(serializeAdapterConfig(lora), undefined, 2)}\n`;
    await writeTextFiles(folder, { ...companions, [ADAPTER_CONFIG_FILE]: config });
    await writeSafetensors(join(folder, ADAPTER_WEIGHTS_FILE), tensors, { dtype });
  });
}

/**
 * The weights of a new model as `writeModelDirectory` takes them, those that `createLanguageModel` gives with the same seed, without an engine and
 * one parameter at a time.
 */
export function newModelTensors(config: ModelConfig, { seed }: { seed: number }): TensorSource[] {
  return checkpointTensors(ARCHITECTURES[config.architecture].parameters(config, "language"), (parameter) => {
    const values = new Float32Array(parameter.shape.reduce((size, dimension) => size * dimension, 1));
    initializeInto(values, parameter, { seed, standardDeviation: config.initializerRange });
    return values;
  });
}

/** The values of a parameter of `model`, its adapters merged in. */
export async function parameterValues({ engine, lora }: EngineModel, parameter: ModelParameter): Promise<Float32Array> {
  if (lora === undefined || !adapts(lora, parameter)) return (await engine.read(parameter.variable)) as Float32Array;
  const merge = engine.compile(`merge/${parameter.name}`, {}, (_, state) => ({ merged: mergedWeight(lora, parameter, state) }));
  return (await merge({})).merged as Float32Array;
}

/** A checkpoint's tensors of `parameters`. The parts of one parameter follow each other, so its values are asked for once. */
function checkpointTensors<P extends Parameter>(
  parameters: readonly P[],
  valuesOf: (parameter: P) => Float32Array | Promise<Float32Array>,
): TensorSource[] {
  let last: { parameter: P; values: Float32Array } | undefined;
  return parameters.flatMap((parameter) =>
    parameter.parts.map(({ tensor, shape }, part): TensorSource => ({
      name: tensor,
      shape,
      data: async () => {
        if (last?.parameter !== parameter) {
          last = undefined;
          last = { parameter, values: await valuesOf(parameter) };
        }
        const { values } = last;
        if (part === parameter.parts.length - 1) last = undefined;
        return partOfParameter(parameter, values, part);
      },
    })),
  );
}
