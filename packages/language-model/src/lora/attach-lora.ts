// A model with LoRA adapters beside its weights, which stay as they are: what is trained then is the adapters alone.

import * as tf from "@tensorflow/tfjs-core";
import { ConfigError } from "@longcot/errors";
import { initializeInto } from "../architectures/parameter-layout.ts";
import type { LanguageModel } from "../model/model.ts";
import { createVariables } from "../model/model-parameters.ts";
import type { WriteParameter } from "../model/model-parameters.ts";
import { LORA_TARGETS, loraParameters } from "./lora-parameters.ts";
import type { LoraAdapter, LoraOptions } from "./lora-parameters.ts";

/**
 * `model` with new adapters: A normal with variance 1/(3·in), as PEFT's uniform start has, keyed by seed and name; B zero, so that nothing changes
 * before the first update. The base weights are shared with `model`, which goes on computing without adapters.
 *
 * @param options.base what PEFT's adapter_config.json will name as the base model; `name` (`lora`) tells two sets of adapters of one model apart.
 * @throws ConfigError where the model has adapters already, or the options make none.
 */
export async function attachLora(
  model: LanguageModel,
  options: LoraOptions & { base: string; name?: string },
  values: { seed: number } | WriteParameter,
): Promise<LanguageModel & { lora: LoraAdapter }> {
  if (model.lora !== undefined)
    throw new ConfigError({ who: "attachLora", argument: "model", expected: "one without adapters", received: model.name });
  const { rank, alpha, base, targets = LORA_TARGETS, name: suffix = "lora" } = options;
  if (!(alpha > 0) || !Number.isFinite(alpha))
    throw new ConfigError({ who: "lora", argument: "alpha", expected: "a positive number", received: String(alpha) });
  const name = `${model.name}+${suffix}`;
  const write: WriteParameter =
    typeof values === "function"
      ? values
      : (out, parameter) =>
          initializeInto(out, parameter, { seed: values.seed, standardDeviation: 1 / Math.sqrt(3 * parameter.shape[0]!) });
  const parameters = await createVariables(model.engine, name, loraParameters(model.parameters, options), write);
  const lora: LoraAdapter = { rank, alpha, targets, base, parameters };
  const adapted: LanguageModel & { lora: LoraAdapter } = {
    ...model,
    name,
    lora,
    trainable: parameters,
    weightsFrom(valueOf) {
      const weights: Record<string, tf.Tensor> = { ...model.weightsFrom(valueOf) };
      // The scale goes with A, the smaller one: (x · scale·A)·B.
      for (const parameter of parameters) {
        const value = valueOf(parameter);
        weights[parameter.name] = parameter.initial === 0 ? value : tf.mul(value, alpha / rank);
      }
      return weights;
    },
    readWeights: (state) => adapted.weightsFrom(({ variable }) => state.read(variable)),
  };
  return adapted;
}
