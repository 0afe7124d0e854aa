// adapter_config.json: LoRA adapters in the format of PEFT.

import { access } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, DataError } from "@longcot/errors";
import { findSnapshot, parseHubReference } from "./hub-cache.ts";
import { readJsonFile, readJsonIfPresent, describeValue } from "./json-file.ts";
import type { JsonObject } from "./json-file.ts";
import { LORA_TARGETS } from "../lora/lora-parameters.ts";
import type { LoraOptions, LoraTarget } from "../lora/lora-parameters.ts";

export const ADAPTER_CONFIG_FILE = "adapter_config.json";
export const ADAPTER_WEIGHTS_FILE = "adapter_model.safetensors";

/** What adapter_config.json says: the adapters' options, and the model that they belong to. */
export type AdapterConfig = Required<LoraOptions> & { base: string };

/** Fields that would make the adapter something else: the values that mean it is not. Absent and null mean so too. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  bias: ["none"],
  use_dora: [false],
  use_rslora: [false],
  use_qalora: [false],
  use_bdlora: [false],
  lora_bias: [false],
  fan_in_fan_out: [false],
  lora_dropout: [0],
};
/** Fields that must be empty. */
const EMPTY = [
  "modules_to_save",
  "rank_pattern",
  "alpha_pattern",
  "layers_to_transform",
  "layer_replication",
  "exclude_modules",
  "trainable_token_indices",
  "target_parameters",
  "alora_invocation_tokens",
] as const;

/**
 * Where config, weights and tokenizer of the model in `directory` are: there, or, where it holds adapters alone, in their base model's folder.
 * @throws DataError where that folder is not there.
 */
export async function baseDirectory(directory: string): Promise<string> {
  const path = join(directory, ADAPTER_CONFIG_FILE);
  const json = await readJsonIfPresent(path);
  if (json === undefined || (await isThere(join(directory, "config.json")))) return directory;
  const { base } = parseAdapterConfig(json, path);
  if (await isThere(join(base, "config.json"))) return base;
  const onHub = parseHubReference(base);
  const snapshot = onHub === undefined ? undefined : await findSnapshot(onHub);
  if (snapshot !== undefined) return snapshot;
  throw new DataError({
    who: path,
    argument: "base_model_name_or_path",
    expected: "a model's folder, or one of the hub that is in its cache",
    received: `${JSON.stringify(base)}, which has no config.json`,
    fix: "Say where the base model is in adapter_config.json",
  });
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** @throws DataError where adapter_config.json is missing or malformed; ConfigError where it asks for what is not supported. */
export async function readAdapterConfig(directory: string): Promise<AdapterConfig> {
  const path = join(directory, ADAPTER_CONFIG_FILE);
  return parseAdapterConfig(await readJsonFile(path), path);
}

export function parseAdapterConfig(json: JsonObject, who: string): AdapterConfig {
  const refuse = (argument: string, expected: string): never => {
    throw new ConfigError({ who, argument, expected, received: describeValue(json[argument]) });
  };
  if (json["peft_type"] !== "LORA") refuse("peft_type", '"LORA"');
  for (const [key, values] of Object.entries(PLAIN))
    if (json[key] != null && !values.includes(json[key])) refuse(key, `${JSON.stringify(values[0])} (nothing else is supported)`);
  for (const key of EMPTY) {
    const value = json[key];
    if (value != null && !(typeof value === "object" && Object.keys(value).length === 0)) refuse(key, "empty (nothing else is supported)");
  }
  const { r, lora_alpha: alpha, target_modules: targets, base_model_name_or_path: base } = json;
  if (typeof r !== "number") return refuse("r", "a positive integer");
  if (typeof alpha !== "number") return refuse("lora_alpha", "a positive number");
  if (typeof base !== "string" || base === "") return refuse("base_model_name_or_path", "the folder or name of the base model");
  const names: unknown = targets === "all-linear" ? LORA_TARGETS : targets;
  if (!Array.isArray(names) || !names.every((name): name is LoraTarget => LORA_TARGETS.includes(name)))
    return refuse("target_modules", `some of ${LORA_TARGETS.join(", ")}`);
  return { rank: r, alpha, targets: names, base };
}

/** The content of adapter_config.json, as PEFT reads it. */
export function serializeAdapterConfig({ rank, alpha, targets, base }: AdapterConfig): JsonObject {
  return {
    base_model_name_or_path: base,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: rank,
    target_modules: [...targets],
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: false,
  };
}
