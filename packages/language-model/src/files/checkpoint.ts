// The weights of a model directory, in one safetensors file or in shards with an index: one interface for both.
import { basename, join } from "node:path";
import { access } from "node:fs/promises";
import { DataError } from "@longcot/errors";
import { describeValue, isJsonObject, readJsonIfPresent } from "./json-file.ts";
import { findTensor, openSafetensors, type TensorFile } from "./safetensors.ts";

export const WEIGHTS_FILE = "model.safetensors";
export const WEIGHTS_INDEX_FILE = "model.safetensors.index.json";

/**
 * Opens the weights of the model in `directory`: `model.safetensors`, else the shards that `model.safetensors.index.json` lists.
 * @throws DataError where neither is there, a shard is missing or damaged, or index and shards disagree about a tensor.
 */
export async function openCheckpoint(directory: string): Promise<TensorFile> {
  const single = join(directory, WEIGHTS_FILE);
  if (await exists(single)) return openSafetensors(single);
  const indexPath = join(directory, WEIGHTS_INDEX_FILE);
  const index = await readJsonIfPresent(indexPath);
  if (index === undefined) {
    throw new DataError({
      who: directory,
      expected: `${WEIGHTS_FILE} or ${WEIGHTS_INDEX_FILE}`,
      received: "neither",
      fix: "Weights in other formats must be converted to safetensors first",
    });
  }
  const shardOf = checkWeightMap(index["weight_map"], indexPath);
  const metadata: Record<string, string> = {};
  if (isJsonObject(index["metadata"])) for (const [key, value] of Object.entries(index["metadata"])) metadata[key] = String(value);
  return openShards(directory, indexPath, shardOf, metadata);
}

async function openShards(
  directory: string,
  indexPath: string,
  shardOf: ReadonlyMap<string, string>,
  metadata: Record<string, string>,
): Promise<TensorFile> {
  const shards = new Map<string, TensorFile>();
  const close = async (): Promise<void> => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    for (const file of new Set(shardOf.values())) shards.set(file, await openSafetensors(join(directory, file)));
    checkAgreement(shardOf, shards, indexPath);
  } catch (error) {
    await close();
    throw error;
  }
  const tensors = new Map([...shardOf].map(([name, file]) => [name, shards.get(file)!.tensors.get(name)!]));
  const shardHolding = (name: string): TensorFile => {
    findTensor(tensors, name, indexPath);
    return shards.get(shardOf.get(name)!)!;
  };
  return {
    path: indexPath,
    tensors,
    metadata,
    read: async (name) => shardHolding(name).read(name),
    readFloat32: async (name) => shardHolding(name).readFloat32(name),
    streamFloat32: async (name, use, multipleOf) => shardHolding(name).streamFloat32(name, use, multipleOf),
    close,
  };
}

function checkWeightMap(value: unknown, indexPath: string): Map<string, string> {
  if (!isJsonObject(value))
    throw new DataError({
      who: indexPath,
      argument: "weight_map",
      expected: "an object of tensor names to file names",
      received: describeValue(value),
    });
  const shardOf = new Map<string, string>();
  for (const [name, file] of Object.entries(value)) {
    if (typeof file !== "string" || file === "" || file !== basename(file)) {
      throw new DataError({
        who: indexPath,
        argument: `weight_map[${JSON.stringify(name)}]`,
        expected: "the name of a file beside the index",
        received: describeValue(file),
      });
    }
    shardOf.set(name, file);
  }
  return shardOf;
}

function checkAgreement(shardOf: ReadonlyMap<string, string>, shards: ReadonlyMap<string, TensorFile>, indexPath: string): void {
  for (const [name, file] of shardOf) {
    if (!shards.get(file)!.tensors.has(name)) {
      throw new DataError({
        who: indexPath,
        argument: `tensor ${JSON.stringify(name)}`,
        expected: `in ${file}`,
        received: "a shard without it",
      });
    }
  }
  for (const [file, shard] of shards) {
    for (const name of shard.tensors.keys()) {
      if (shardOf.get(name) !== file) {
        throw new DataError({
          who: indexPath,
          argument: `tensor ${JSON.stringify(name)}`,
          expected: `listed for ${file}, which holds it`,
          received: describeValue(shardOf.get(name)),
        });
      }
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
