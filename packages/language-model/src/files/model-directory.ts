// A model's directory in the Hugging Face layout: read with every file checked, written whole or not at all.
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { atomicFolder } from "@longcot/durable-files";
import { DataError } from "@longcot/errors";
import type { ModelHead } from "../architectures/architecture.ts";
import { baseDirectory, readAdapterConfig, type AdapterConfig } from "./adapter-config.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { readJsonFile, readJsonIfPresent, readTextIfPresent } from "./json-file.ts";
import { headOfConfig, parseModelConfig, serializeModelConfig, type ModelConfig } from "./model-config.ts";
import type { TensorFile } from "./safetensors.ts";
import { MAX_SHARD_BYTES, writeCheckpoint } from "./write-checkpoint.ts";
import type { TensorSource, WriteSafetensorsOptions } from "./write-safetensors.ts";

const CONFIG_FILE = "config.json";
const GENERATION_CONFIG_FILE = "generation_config.json";

/** Files that belong to a model beside config and weights; they travel unchanged from a model to what is trained from it. */
export const COMPANION_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
  GENERATION_CONFIG_FILE,
] as const;

/** File name to text. */
export type CompanionFiles = Readonly<Partial<Record<(typeof COMPANION_FILES)[number], string>>>;

/** A model directory that was opened. Close `checkpoint` when the weights have been read. */
export interface ModelDirectory {
  path: string;
  config: ModelConfig;
  checkpoint: TensorFile;
  /** Those of {@link COMPANION_FILES} that are there. */
  companions: CompanionFiles;
  /** Where `path` holds adapters: their options. Config and weights are those of their base then. */
  adapter?: AdapterConfig;
}

/**
 * Config of the model in `directory`, or of the base of the adapters in it; `head` is what the model must have.
 * @throws DataError where config.json is missing or malformed; ConfigError as {@link parseModelConfig}.
 */
export async function readModelConfig(directory: string, head: ModelHead = "language"): Promise<ModelConfig> {
  await checkDirectory(directory);
  const base = await baseDirectory(directory);
  const path = join(base, CONFIG_FILE);
  const config = await readJsonFile(path);
  return parseModelConfig(config, await readJsonIfPresent(join(base, GENERATION_CONFIG_FILE)), path, head);
}

/**
 * Opens the model in `directory`: config parsed, weights' header(s) checked, companion files read. No tensor is read.
 * @throws DataError, one line naming the file, where one is missing or damaged; ConfigError where the model is not supported.
 */
export async function readModelDirectory(directory: string, head: ModelHead = "language"): Promise<ModelDirectory> {
  const config = await readModelConfig(directory, head);
  const base = await baseDirectory(directory);
  const companions = { ...(await readCompanionFiles(base)), ...(await readCompanionFiles(directory)) };
  const checkpoint = await openCheckpoint(base);
  return {
    path: directory,
    config,
    checkpoint,
    companions,
    ...(base === directory ? {} : { adapter: await readAdapterConfig(directory) }),
  };
}

/** The head of the scalar model in `directory`: as config.json says, a sequence classifier's where it says nothing of use, for readers to refuse. */
export async function scalarHeadOf(directory: string): Promise<Exclude<ModelHead, "language">> {
  await checkDirectory(directory);
  return headOfConfig(await readJsonFile(join(directory, CONFIG_FILE))) === "token-scalar" ? "token-scalar" : "scalar";
}

/** The text of those of {@link COMPANION_FILES} that `directory` holds. */
export async function readCompanionFiles(directory: string): Promise<CompanionFiles> {
  const companions: Partial<Record<(typeof COMPANION_FILES)[number], string>> = {};
  for (const name of COMPANION_FILES) {
    const text = await readTextIfPresent(join(directory, name));
    if (text !== undefined) companions[name] = text;
  }
  return companions;
}

/** What {@link writeModelDirectory} writes. */
export interface ModelDirectoryContent extends WriteSafetensorsOptions {
  config: ModelConfig;
  /** What the tensors end in; default: a language model's head. */
  head?: ModelHead;
  tensors: readonly TensorSource[];
  /** Written as they are. */
  companions?: CompanionFiles;
  /** Most bytes of weights in one file; more are sharded, with an index. Default {@link MAX_SHARD_BYTES}. */
  maxShardBytes?: number;
}

/**
 * Writes a model as the new folder `path`, whole or not at all: written aside, flushed to disk, renamed. It loads in transformers as is.
 * `dtype` is the weights' element type on disk and is noted in config.json; default `config.dtype`.
 * @throws DataError where `path` exists and is not an empty folder; otherwise as `writeSafetensors`. Nothing is left half-written.
 */
export async function writeModelDirectory(path: string, content: ModelDirectoryContent): Promise<void> {
  const { config, head = "language", tensors, companions = {}, dtype = config.dtype } = content;
  const { metadata = {}, maxShardBytes = MAX_SHARD_BYTES } = content;
  await atomicFolder(path, async (directory) => {
    const json = `${JSON.stringify(serializeModelConfig(config, dtype, head), undefined, 2)}\n`;
    await writeTextFiles(directory, { ...companions, [CONFIG_FILE]: json });
    await writeCheckpoint(directory, tensors, { dtype, metadata, maxShardBytes });
  });
}

/** Writes `files`, name to text. */
export async function writeTextFiles(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
}

async function checkDirectory(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new DataError({
      who: path,
      expected: "a model directory",
      received: found === undefined ? "no such folder" : "a file",
    });
  }
}
