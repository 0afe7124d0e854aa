// A decoder with a head as variables of an engine.

import type { Engine } from "@longcot/tensor-kernels";
import type { ModelHead } from "../architectures/architecture.ts";
import { ARCHITECTURES } from "../architectures/index.ts";
import type { ModelConfig } from "../files/model-config.ts";
import type { CompanionFiles } from "../files/model-directory.ts";
import { createVariables } from "./model-parameters.ts";
import type { ParameterSource, WriteParameter } from "./model-parameters.ts";
import type { EngineModel } from "./model.ts";

/** The model of `config` with `head`, its variables named `name/…` and holding what `source` writes. */
export async function buildModel(
  engine: Engine,
  config: ModelConfig,
  companions: CompanionFiles,
  { name, head }: { name: string; head: ModelHead },
  source: WriteParameter | { from: ParameterSource },
): Promise<EngineModel> {
  const architecture = ARCHITECTURES[config.architecture];
  const parameters = await createVariables(engine, name, architecture.parameters(config, head), source);
  const model: EngineModel = {
    name,
    engine,
    config,
    architecture,
    parameters,
    trainable: parameters,
    companions,
    weightsFrom: (valueOf) => Object.fromEntries(parameters.map((parameter) => [parameter.name, valueOf(parameter)])),
    readWeights: (state) => model.weightsFrom(({ variable }) => state.read(variable)),
  };
  return model;
}
