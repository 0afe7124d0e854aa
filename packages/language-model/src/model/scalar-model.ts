// Models with a scalar head: read from a sequence classifier's directory, or begun on a language model's weights; a head beside a policy's own.

import type { Engine } from "@longcot/tensor-kernels";
import { ConfigError } from "@longcot/errors";
import { SCORE, SCORE_BIAS, scoreParameter } from "../architectures/decoder-parameters.ts";
import { initializeInto, readParameterInto } from "../architectures/parameter-layout.ts";
import type { TensorFile } from "../files/safetensors.ts";
import type { TensorSource } from "../files/write-safetensors.ts";
import type { ModelConfig } from "../files/model-config.ts";
import { readModelDirectory, scalarHeadOf } from "../files/model-directory.ts";
import type { ModelOptions } from "./language-model.ts";
import { buildModel } from "./build-model.ts";
import { createVariables, writeVariables } from "./model-parameters.ts";
import type { ParameterSource, WriteParameter } from "./model-parameters.ts";
import type { ActorCritic, LanguageModel, ScalarHead, ScalarModel } from "./model.ts";
import { parameterValues } from "./save-model.ts";

/** How a new scalar head starts: every number 0, or weights that are normal with the config's initializer range, keyed by a seed. */
export type HeadStart = "zero" | { seed: number };

/**
 * The scalar model in `directory`, which holds a sequence classifier or a token classifier with one label in transformers' layout
 * (`Qwen2ForSequenceClassification`, `Qwen2ForTokenClassification` and their like); `head` of the model says which.
 * @throws DataError naming the file or tensor that is missing, damaged or of another shape; ConfigError for another class, more labels than one, or an
 * architecture or field not supported.
 */
export async function loadScalarModel(engine: Engine, directory: string, options: ModelOptions = {}): Promise<ScalarModel> {
  const head = await scalarHeadOf(directory);
  const { config, checkpoint, companions } = await readModelDirectory(directory, head);
  const { name = "scalar" } = options;
  try {
    const write: WriteParameter = (out, parameter) => readParameterInto(out, parameter, checkpoint);
    return { ...(await buildModel(engine, config, companions, { name, head }, write)), head };
  } finally {
    await checkpoint.close();
  }
}

/**
 * A scalar model with a new head on the weights of `backbone`, a directory or a model of any engine (adapters merged): they are copied, the output
 * embedding is left out.
 *
 * @param options.head how the head starts; a bias starts at 0.
 * @param options.kind which head: a sequence classifier's, by default, or a token classifier's.
 * @param options.padTokenId what saved models name as padding; default: the backbone's. transformers scores batches of several only where there is one.
 * @throws as {@link loadScalarModel}; ConfigError where `backbone` is a directory of adapters.
 */
export async function createScalarModel(
  engine: Engine,
  backbone: string | LanguageModel,
  options: ModelOptions & { head: HeadStart; kind?: ScalarHead; padTokenId?: number },
): Promise<ScalarModel> {
  const { name = "scalar", head, kind = "scalar", padTokenId } = options;
  const source = typeof backbone === "string" ? await openBackbone(backbone) : backboneOnEngine(backbone);
  try {
    const config: ModelConfig = padTokenId === undefined ? source.config : { ...source.config, padTokenId };
    const from: ParameterSource = async (parameter) =>
      parameter.name === SCORE
        ? (out) => startHead(out, config, head)
        : parameter.name === SCORE_BIAS
          ? (out) => void out.fill(0)
          : source.from(parameter);
    return { ...(await buildModel(engine, config, source.companions, { name, head: kind }, { from })), head: kind };
  } finally {
    await source.close();
  }
}

async function openBackbone(directory: string) {
  const { config, checkpoint, companions, adapter } = await readModelDirectory(directory);
  if (adapter !== undefined) {
    await checkpoint.close();
    throw new ConfigError({
      who: directory,
      expected: "a whole language model",
      received: "adapters",
      fix: "Load it with loadLanguageModel and give the model, or save it merged",
    });
  }
  const from: ParameterSource = async () => (out, parameter) => readParameterInto(out, parameter, checkpoint);
  return { config, companions, from, close: () => checkpoint.close() };
}

function backboneOnEngine(model: LanguageModel) {
  const byName = new Map(model.parameters.map((parameter) => [parameter.name, parameter]));
  const from: ParameterSource = async ({ name }) => {
    const values = await parameterValues(model, byName.get(name)!);
    return (out) => out.set(values);
  };
  return { config: model.config, companions: model.companions, from, close: async () => {} };
}

function startHead(out: Float32Array, config: ModelConfig, start: HeadStart): void {
  if (start === "zero") out.fill(0);
  else initializeInto(out, scoreParameter(config), { seed: start.seed, standardDeviation: config.initializerRange });
}

/**
 * `model` with a scalar head on its last hidden states, so that policy and critic share everything below; `model` itself stays as it is.
 * A trainer updates what it updates of `model`, and the head. {@link valueHeadTensors} and {@link restoreValueHead} keep the head; the rest is saved as `model`.
 */
export async function attachValueHead(model: LanguageModel, { head }: { head: HeadStart }): Promise<ActorCritic> {
  const name = `${model.name}+value`;
  const [valueHead] = await createVariables(model.engine, name, [scoreParameter(model.config)], (out) =>
    startHead(out, model.config, head),
  );
  const actorCritic: ActorCritic = {
    ...model,
    name,
    valueHead: valueHead!,
    trainable: [...model.trainable, valueHead!],
    weightsFrom: (valueOf) => ({ ...model.weightsFrom(valueOf), [SCORE]: valueOf(valueHead!) }),
    readWeights: (state) => actorCritic.weightsFrom(({ variable }) => state.read(variable)),
  };
  return actorCritic;
}

/** The value head as a checkpoint's tensor, `score.weight [1, model] f32`. */
export function valueHeadTensors({ engine, valueHead }: ActorCritic): TensorSource[] {
  const { tensor, shape } = valueHead.parts[0]!;
  return [{ name: tensor, shape, data: async () => (await engine.read(valueHead.variable)) as Float32Array }];
}

/** Replaces the value head by what {@link valueHeadTensors} gave. @throws DataError where it is missing or of another shape. */
export async function restoreValueHead({ engine, valueHead }: ActorCritic, file: TensorFile): Promise<void> {
  await writeVariables(engine, [valueHead], (out, parameter) => readParameterInto(out, parameter, file));
}
