// A language model on an engine: its weights as variables, read from a directory or new, and written back.

import type { Engine, State, Variable } from "@longcot/tensor-kernels";
import { DataError } from "@longcot/errors";
import type { Architecture, Parameter, Weights } from "../architectures/architecture.ts";
import { ARCHITECTURES } from "../architectures/index.ts";
import { initialParameter, parameterFromParts, partsOfParameter } from "../architectures/parameter-layout.ts";
import type { WeightDtype } from "../files/half-precision.ts";
import type { ModelConfig } from "../files/model-config.ts";
import { readModelDirectory, writeModelDirectory } from "../files/model-directory.ts";
import type { CompanionFiles } from "../files/model-directory.ts";
import type { TensorFile } from "../files/safetensors.ts";
import type { TensorSource } from "../files/write-safetensors.ts";

/** A parameter and where its values live. */
export interface ModelParameter extends Parameter {
  variable: Variable;
}

/** A model whose weights are on `engine`. One engine holds one model of a `name`. */
export interface LanguageModel {
  /** Prefix of its variables' names on the engine. */
  readonly name: string;
  readonly engine: Engine;
  readonly config: ModelConfig;
  readonly architecture: Architecture;
  readonly parameters: readonly ModelParameter[];
  /** Tokenizer and generation files that go with the weights. */
  readonly companions: CompanionFiles;
  /** The weights inside a compiled function. */
  readWeights(state: State): Weights;
}

export interface ModelOptions {
  /** Prefix of the variables' names; default `model`. */
  name?: string;
}

/**
 * The model in `directory`, a tensor at a time.
 * @throws DataError naming the file or tensor that is missing, damaged or of another shape; ConfigError for an architecture or field not supported.
 */
export async function loadLanguageModel(engine: Engine, directory: string, options: ModelOptions = {}): Promise<LanguageModel> {
  const { config, checkpoint, companions } = await readModelDirectory(directory);
  try {
    return await build(engine, config, companions, options, (parameter) => readParameter(checkpoint, parameter));
  } finally {
    await checkpoint.close();
  }
}

/**
 * Replaces the weights of `model` by those in `directory`, a checkpoint of the same shape.
 * @throws DataError as {@link loadLanguageModel}; the parameters before the damaged one are replaced by then.
 */
export async function restoreWeights(model: LanguageModel, directory: string): Promise<void> {
  const { checkpoint } = await readModelDirectory(directory);
  try {
    for (const parameter of model.parameters) await model.engine.write(parameter.variable, await readParameter(checkpoint, parameter));
  } finally {
    await checkpoint.close();
  }
}

function readParameter(checkpoint: TensorFile, parameter: Parameter): Promise<Float32Array> {
  const shapes = new Map(parameter.parts.map((part) => [part.tensor, part.shape]));
  return parameterFromParts(parameter, async (tensor) => {
    const shape = shapes.get(tensor)!;
    const entry = checkpoint.tensors.get(tensor);
    if (entry === undefined || entry.shape.join() !== shape.join()) {
      throw new DataError({
        who: checkpoint.path,
        argument: `tensor ${JSON.stringify(tensor)}`,
        expected: `of shape [${shape.join(", ")}], as config.json says`,
        received: entry === undefined ? "no such tensor" : `[${entry.shape.join(", ")}]`,
      });
    }
    return checkpoint.readFloat32(tensor);
  });
}

/** A new model: normal weights of the config's initializer range, keyed by `seed` and the parameter's name; norms one, biases zero. */
export async function createLanguageModel(
  engine: Engine,
  config: ModelConfig,
  companions: CompanionFiles,
  options: ModelOptions & { seed: number },
): Promise<LanguageModel> {
  return build(engine, config, companions, options, async (parameter) =>
    initialParameter(parameter, { seed: options.seed, initializerRange: config.initializerRange }),
  );
}

/**
 * Writes the model as the new folder `directory`, in the Hugging Face layout, whole or not at all. transformers loads it as is.
 * @throws DataError where the folder exists.
 */
export async function saveLanguageModel(model: LanguageModel, directory: string, options: { dtype?: WeightDtype } = {}): Promise<void> {
  const tensors = model.parameters.flatMap((parameter): TensorSource[] =>
    parameter.parts.map((part, i) => ({
      name: part.tensor,
      shape: part.shape,
      data: async () => partsOfParameter(parameter, (await model.engine.read(parameter.variable)) as Float32Array)[i]!.values,
    })),
  );
  await writeModelDirectory(directory, {
    config: model.config,
    tensors,
    companions: model.companions,
    ...(options.dtype === undefined ? {} : { dtype: options.dtype }),
  });
}

/** Number of parameters. */
export function countParameters(model: LanguageModel): number {
  return model.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

async function build(
  engine: Engine,
  config: ModelConfig,
  companions: CompanionFiles,
  { name = "model" }: ModelOptions,
  valuesOf: (parameter: Parameter) => Promise<Float32Array>,
): Promise<LanguageModel> {
  const architecture = ARCHITECTURES[config.architecture];
  const parameters: ModelParameter[] = [];
  for (const parameter of architecture.parameters(config)) {
    const variable = await engine.variable(
      `${name}/${parameter.name}`,
      { shape: parameter.shape, dtype: "float32" },
      await valuesOf(parameter),
    );
    parameters.push({ ...parameter, variable });
  }
  return {
    name,
    engine,
    config,
    architecture,
    parameters,
    companions,
    readWeights: (state) => Object.fromEntries(parameters.map((parameter) => [parameter.name, state.read(parameter.variable)])),
  };
}
