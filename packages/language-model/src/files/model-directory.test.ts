// Whole directories: the fixture read and written again, shards with an index, and what goes wrong. That transformers loads what is written
// here to the same logits is checked by ../../fixtures/check-with-transformers.py.
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, test } from "vitest";
import { makeFolderOf, makeTemporaryFolder } from "../../fixtures/temporary-folder.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { readModelDirectory, writeModelDirectory } from "./model-directory.ts";
import type { TensorFile } from "./safetensors.ts";
import { writeSafetensors, type TensorSource } from "./write-safetensors.ts";

const fixture = fileURLToPath(new URL("../../fixtures/tiny-qwen2", import.meta.url));

const sourcesOf = (checkpoint: TensorFile): TensorSource[] =>
  [...checkpoint.tensors].map(([name, { shape }]) => ({
    name,
    shape,
    data: () => checkpoint.readFloat32(name),
  }));

const bytesOf = async (file: TensorFile, name: string): Promise<string> =>
  Buffer.from((await file.readFloat32(name)).buffer).toString("base64");

async function expectSameTensors(actual: TensorFile, expected: TensorFile): Promise<void> {
  expect([...actual.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
  for (const [name, { shape }] of expected.tensors) {
    expect({ name, shape: actual.tensors.get(name)!.shape }).toEqual({ name, shape });
    expect({ name, values: await bytesOf(actual, name) }).toEqual({
      name,
      values: await bytesOf(expected, name),
    });
  }
}

let original: Awaited<ReturnType<typeof readModelDirectory>>;
beforeEach(async () => {
  original = await readModelDirectory(fixture);
  return () => original.checkpoint.close();
});

test("reads config, weights' header and companion files", () => {
  expect(original.config).toMatchObject({
    architecture: "qwen2",
    layers: 2,
    eosTokenIds: [642, 640],
  });
  expect(original.checkpoint.tensors.get("model.embed_tokens.weight")).toMatchObject({
    dtype: "F32",
    shape: [672, 64],
  });
  expect(original.checkpoint.tensors.size).toBe(26);
  expect(Object.keys(original.companions).sort()).toEqual([
    "generation_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
});

test("written and read again it is the same model", async () => {
  const path = join(makeTemporaryFolder(), "made/on/the/way");
  await writeModelDirectory(path, {
    config: original.config,
    tensors: sourcesOf(original.checkpoint),
    companions: original.companions,
  });
  const again = await readModelDirectory(path);
  expect(again.config).toEqual(original.config);
  expect(again.companions).toEqual(original.companions);
  await expectSameTensors(again.checkpoint, original.checkpoint);
  await again.checkpoint.close();
});

test("dtype is the weights' and config.json's", async () => {
  const path = join(makeTemporaryFolder(), "half");
  await writeModelDirectory(path, {
    config: original.config,
    tensors: sourcesOf(original.checkpoint),
    dtype: "bfloat16",
  });
  const again = await readModelDirectory(path);
  expect(again.config.dtype).toBe("bfloat16");
  expect(new Set([...again.checkpoint.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(["BF16"]));
  await again.checkpoint.close();
});

describe("whole or not at all", () => {
  test("a failure part way leaves nothing; what a killed process left is replaced", async () => {
    const folder = makeTemporaryFolder();
    const path = join(folder, "model");
    const broken = [...sourcesOf(original.checkpoint), { name: "last", shape: [1], data: () => Promise.reject(new Error("engine gone")) }];
    await expect(
      writeModelDirectory(path, {
        config: original.config,
        tensors: broken,
        companions: original.companions,
      }),
    ).rejects.toThrow("engine gone");
    expect(await readdir(folder)).toEqual([]);
    await mkdir(join(folder, ".aside-model"));
    await writeFile(join(folder, ".aside-model", "junk"), "");
    await writeModelDirectory(path, { config: original.config, tensors: [] });
    expect(await readdir(folder)).toEqual(["model"]);
    expect((await readdir(path)).sort()).toEqual(["config.json", "model.safetensors"]);
  });

  test("never writes over a model", async () => {
    const path = await makeFolderOf({ "config.json": "{}" });
    await expect(writeModelDirectory(path, { config: original.config, tensors: [] })).rejects.toThrow(
      `${path}: expected a new or empty folder, got a folder of 1 entries`,
    );
    await expect(writeModelDirectory(join(path, "config.json"), { config: original.config, tensors: [] })).rejects.toThrow(
      "expected a new or empty folder, got a file",
    );
    expect(await readFile(join(path, "config.json"), "utf8")).toBe("{}");
  });
});

describe("shards", () => {
  /** The fixture's weights in two shards with an index. */
  async function makeShards(change: (map: Record<string, string>) => void = () => {}): Promise<string> {
    const directory = makeTemporaryFolder();
    const sources = sourcesOf(original.checkpoint);
    const map: Record<string, string> = {};
    for (const [file, part] of Object.entries({
      "model-00001-of-00002.safetensors": sources.slice(0, 10),
      "model-00002-of-00002.safetensors": sources.slice(10),
    })) {
      await writeSafetensors(join(directory, file), part);
      for (const { name } of part) map[name] = file;
    }
    change(map);
    await writeFile(
      join(directory, "model.safetensors.index.json"),
      JSON.stringify({ metadata: { total_size: 520_000 }, weight_map: map }),
    );
    return directory;
  }

  test("read as one file does", async () => {
    const checkpoint = await openCheckpoint(await makeShards());
    await expectSameTensors(checkpoint, original.checkpoint);
    expect(checkpoint.metadata).toEqual({ total_size: "520000" });
    expect(await checkpoint.read("model.norm.weight")).toBeInstanceOf(Float32Array);
    await expect(checkpoint.read("nothing")).rejects.toThrow(/index\.json: tensor "nothing" must be one of its 26 tensors/);
    await checkpoint.close();
  });

  test("index and shards that disagree, and a missing shard, name the tensor or file", async () => {
    await expect(openCheckpoint(await makeShards((map) => void (map["extra"] = "model-00001-of-00002.safetensors")))).rejects.toThrow(
      'tensor "extra" must be in model-00001-of-00002.safetensors',
    );
    await expect(openCheckpoint(await makeShards((map) => void delete map["model.norm.weight"]))).rejects.toThrow(
      'tensor "model.norm.weight" must be listed for model-0000',
    );
    await expect(openCheckpoint(await makeShards((map) => void (map["x"] = "../up.safetensors")))).rejects.toThrow(
      'weight_map["x"] must be the name of a file beside the index, got "../up.safetensors"',
    );
    const directory = await makeShards();
    await rm(join(directory, "model-00002-of-00002.safetensors"));
    await expect(openCheckpoint(directory)).rejects.toThrow(
      /model-00002-of-00002\.safetensors: expected a safetensors file, got no such file$/,
    );
    await expect(openCheckpoint(await makeFolderOf({ "model.safetensors.index.json": {} }))).rejects.toThrow(
      "weight_map must be an object of tensor names to file names, got nothing",
    );
  });
});

describe("a missing or damaged file is one line naming it", () => {
  test.each(["config.json", "model.safetensors"])("%s", async (name) => {
    const directory = makeTemporaryFolder();
    await cp(fixture, directory, { recursive: true });
    await rm(join(directory, name));
    await expect(readModelDirectory(directory)).rejects.toThrow(name);
  });

  test("no folder, a file, no JSON", async () => {
    await expect(readModelDirectory("/nowhere")).rejects.toThrow("/nowhere: expected a model directory, got no such folder");
    await expect(readModelDirectory(join(fixture, "config.json"))).rejects.toThrow("expected a model directory, got a file");
    await expect(readModelDirectory(await makeFolderOf({ "config.json": "[]" }))).rejects.toThrow(
      /config\.json: expected a JSON object, got \[\]$/,
    );
  });
});
