// What is written: shards, companions, and the real transformers and PEFT loading it with the same logits. The latter run where a Python has
// them: LONGCOT_PYTHON, or python3.
import { spawnSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openEngine } from "@longcot/tensor-kernels";
import { expectClose } from "@longcot/vitest-config/close-to";
import { expect, test } from "vitest";
import { makeTemporaryFolder } from "../../fixtures/temporary-folder.ts";
import { openCheckpoint } from "../files/checkpoint.ts";
import { attachLora } from "../lora/attach-lora.ts";
import { score } from "../score/score.ts";
import { ENGINES } from "../testing/engines.ts";
import { loadLanguageModel } from "./language-model.ts";
import type { LanguageModel } from "./language-model.ts";
import { saveAdapter, saveLanguageModel } from "./save-model.ts";

const PYTHON = process.env["LONGCOT_PYTHON"] ?? "python3";
const hasTransformers = spawnSync(PYTHON, ["-c", "import transformers, peft"]).status === 0;
const unlessThere = hasTransformers ? "" : ` (skipped: ${PYTHON} cannot import transformers and peft; set LONGCOT_PYTHON)`;
const MINUTES = 60_000;
const IDS = [5, 40, 7, 88, 61, 2, 2, 19, 33, 70, 15, 9];
/** Reads folders on stdin, prints the log-probability of every next token; a folder of adapters is opened by PEFT. */
const SCRIPT = `
import json, os, sys, torch
from transformers import AutoModelForCausalLM
from peft import AutoPeftModelForCausalLM
for folder in json.load(sys.stdin):
    adapter = os.path.exists(os.path.join(folder, "adapter_config.json"))
    model = (AutoPeftModelForCausalLM if adapter else AutoModelForCausalLM).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    ids = torch.tensor([${JSON.stringify(IDS)}])
    logp = torch.log_softmax(model(input_ids=ids).logits[0, :-1], -1)
    print(json.dumps(logp.gather(-1, ids[0, 1:, None])[:, 0].tolist()))
`;

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const logProbsOf = async (model: LanguageModel): Promise<Float32Array> =>
  (await score(model, [Int32Array.from(IDS)], { temperature: 1 }))[0]!.logProbs.slice(1);

function byPython(folders: readonly string[]): number[][] {
  const { status, stdout, stderr } = spawnSync(PYTHON, ["-c", SCRIPT], {
    input: JSON.stringify(folders),
    env: { ...process.env, HF_HUB_OFFLINE: "1" },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as number[]);
}

test("more bytes than fit a file are sharded, with an index, and come back equal", async () => {
  const engine = await openEngine({ engine: ENGINES[0], threads: 2 });
  const model = await loadLanguageModel(engine, fixture("tiny-qwen3"));
  const folder = join(makeTemporaryFolder(), "sharded");
  await saveLanguageModel(model, folder, { maxShardBytes: 40_000, dtype: "float32" });
  await engine.close();
  const files = (await readdir(folder)).toSorted();
  expect(files).toEqual([
    "config.json",
    "model-00001-of-00004.safetensors",
    "model-00002-of-00004.safetensors",
    "model-00003-of-00004.safetensors",
    "model-00004-of-00004.safetensors",
    "model.safetensors.index.json",
  ]);
  const index = JSON.parse(await readFile(join(folder, "model.safetensors.index.json"), "utf8")) as { metadata: { total_size: number } };
  const [written, original] = [await openCheckpoint(folder), await openCheckpoint(fixture("tiny-qwen3"))];
  expect([...written.tensors.keys()].toSorted()).toEqual([...original.tensors.keys()].toSorted());
  let bytes = 0;
  for (const name of original.tensors.keys()) {
    const values = await original.readFloat32(name);
    expect(await written.readFloat32(name)).toEqual(values);
    bytes += values.byteLength;
  }
  expect(index.metadata.total_size).toBe(bytes);
  await Promise.all([written.close(), original.close()]);
});

test.skipIf(!hasTransformers)(
  `transformers computes the same with what is written${unlessThere}`,
  async () => {
    const engine = await openEngine({ engine: ENGINES[0], threads: 2 });
    const folders: string[] = [];
    const expected: Float32Array[] = [];
    for (const name of ["tiny-qwen2-sharded", "tiny-qwen3", "tiny-llama3", "tiny-mistral"]) {
      const model = await loadLanguageModel(engine, fixture(name), { name });
      const folder = join(makeTemporaryFolder(), name);
      // Rounding to bfloat16 changes nothing where the weights come from it.
      const dtype = model.config.dtype === "bfloat16" ? "bfloat16" : "float32";
      await saveLanguageModel(model, folder, { dtype, maxShardBytes: name === "tiny-llama3" ? 30_000 : 10 ** 9 });
      folders.push(folder);
      expected.push(await logProbsOf(model));
    }
    const base = await loadLanguageModel(engine, fixture("tiny-qwen3"), { name: "base" });
    const model = await attachLora(base, { rank: 3, alpha: 6, base: fixture("tiny-qwen3") }, (out, { name }) =>
      out.forEach((_, i) => (out[i] = Math.sin(i + name.length) / 5)),
    );
    const [adapter, merged] = ["adapter", "merged"].map((name) => join(makeTemporaryFolder(), name));
    await saveAdapter(model, adapter!);
    await saveLanguageModel(model, merged!, { dtype: "float32" });
    folders.push(adapter!, merged!);
    expected.push(await logProbsOf(model), await logProbsOf(model));
    await engine.close();
    for (const [i, theirs] of byPython(folders).entries()) expectClose(expected[i]!, theirs, { atol: 1e-4 }, folders[i]);
  },
  3 * MINUTES,
);
