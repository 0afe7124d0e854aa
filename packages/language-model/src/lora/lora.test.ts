// Adapters against PEFT: log-probabilities, gradients, an AdamW step, the files; and merged, restored, refused.
// Expected values: fixtures/make_adapter.py (peft 0.21.2, transformers 5.24.0, torch 2.15.0, float32).
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError } from "@longcot/errors";
import { openEngine } from "@longcot/tensor-kernels";
import { expectClose } from "@longcot/vitest-config/close-to";
import { describe, expect, test } from "vitest";
import { makeFolderOf, makeTemporaryFolder } from "../../fixtures/temporary-folder.ts";
import { partsOfParameter } from "../architectures/parameter-layout.ts";
import { parseAdapterConfig } from "../files/adapter-config.ts";
import { readJsonFile } from "../files/json-file.ts";
import { openSafetensors } from "../files/safetensors.ts";
import { generate } from "../generate/generate.ts";
import { loadLanguageModel, restoreWeights } from "../model/language-model.ts";
import type { LanguageModel } from "../model/language-model.ts";
import { saveAdapter, saveLanguageModel } from "../model/save-model.ts";
import { score } from "../score/score.ts";
import { ENGINES } from "../testing/engines.ts";
import { crossEntropyLoss } from "../train/token-loss.ts";
import { createTrainer } from "../train/trainer.ts";
import { attachLora } from "./attach-lora.ts";

const BASE = fileURLToPath(new URL("../../fixtures/tiny-qwen2-sharded", import.meta.url));
const ADAPTER = fileURLToPath(new URL("../../fixtures/tiny-adapter", import.meta.url));
const expected = (await readJsonFile(join(ADAPTER, "expected.json"))) as unknown as {
  sequences: { ids: number[]; log_probs: number[]; entropies: number[] }[];
  loss: number;
  grad_norms: Record<string, number>;
};
const sequences = expected.sequences.map(({ ids }) => Int32Array.from(ids));
const LORA = { rank: 4, alpha: 12, targets: ["q_proj", "v_proj", "up_proj", "down_proj"], base: BASE } as const;

async function withEngine(choice: (typeof ENGINES)[number], work: (engine: Awaited<ReturnType<typeof openEngine>>) => Promise<void>) {
  const engine = await openEngine({ engine: choice, threads: 2 });
  await work(engine).finally(() => engine.close());
}

/** The fixture's adapters, whose base is named from the package's folder, on the fixture's model. */
async function openAdapted(engine: Awaited<ReturnType<typeof openEngine>>): Promise<LanguageModel> {
  const config = { ...(await readJsonFile(join(ADAPTER, "adapter_config.json"))), base_model_name_or_path: BASE };
  const weights = await readFile(join(ADAPTER, "adapter_model.safetensors"));
  return loadLanguageModel(engine, await makeFolderOf({ "adapter_config.json": config, "adapter_model.safetensors": weights }));
}

/** The rows of all sequences, padded, with the mask of what is predicted. */
function batchOfAll() {
  const [rows, time] = [sequences.length, Math.max(...sequences.map(({ length }) => length))];
  const inputIds = new Int32Array(rows * time);
  const mask = new Float32Array(rows * time);
  sequences.forEach((ids, row) => {
    inputIds.set(ids, row * time);
    mask.fill(1, row * time + 1, row * time + ids.length);
  });
  return { rows, time, inputIds, inputs: { mask, denominator: Float32Array.of(mask.reduce((sum, one) => sum + one, 0)) } };
}

async function trainableTensors(model: LanguageModel): Promise<Map<string, Float32Array>> {
  const all = new Map<string, Float32Array>();
  for (const parameter of model.trainable) {
    const values = (await model.engine.read(parameter.variable)) as Float32Array;
    for (const part of partsOfParameter(parameter, values)) all.set(part.tensor, part.values);
  }
  return all;
}

describe.each(ENGINES)("adapters on %s", (choice) => {
  test("score as PEFT does, and so do the weights that they are merged into", async () => {
    await withEngine(choice, async (engine) => {
      const model = await openAdapted(engine);
      const scores = await score(model, sequences, { temperature: 1 });
      const merged = join(makeTemporaryFolder(), "merged");
      await saveLanguageModel(model, merged, { dtype: "float32" });
      const mergedScores = await score(await loadLanguageModel(engine, merged, { name: "merged" }), sequences, { temperature: 1 });
      for (const [i, { log_probs, entropies }] of expected.sequences.entries()) {
        for (const { logProbs, entropies: own } of [scores[i]!, mergedScores[i]!]) {
          expectClose(logProbs.slice(1), log_probs, { atol: 1e-4 }, `log-probs of ${i}`);
          expectClose(own.slice(1), entropies, { atol: 1e-4 }, `entropies of ${i}`);
        }
      }
    });
  });

  test("learn as PEFT's do, the base weights as they were; written and restored they are the same", async () => {
    await withEngine(choice, async (engine) => {
      const model = await openAdapted(engine);
      const before = (await engine.read(model.parameters[1]!.variable)).slice();
      const trainer = await createTrainer(model, {
        loss: crossEntropyLoss,
        optimizer: { betas: [0.9, 0.99], epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: 1e9 },
      });
      const { loss } = await trainer.accumulate(batchOfAll());
      const { gradNorm } = await trainer.apply(0.01);
      expectClose([loss], [expected.loss], { rtol: 1e-5 }, "loss");
      expectClose([gradNorm], [Math.hypot(...Object.values(expected.grad_norms))], { rtol: 1e-4 }, "gradient norm");
      const stepped = await openSafetensors(join(ADAPTER, "stepped.safetensors"));
      const after = await trainableTensors(model);
      expect([...after.keys()].toSorted()).toEqual([...stepped.tensors.keys()].toSorted());
      for (const [name, values] of after) expectClose(values, await stepped.readFloat32(name), { atol: 2e-5 }, name);
      await stepped.close();
      expect(await engine.read(model.parameters[1]!.variable)).toEqual(before);
      expect(trainer.stateTensors().length).toBe(2 * model.trainable.length);

      const folder = join(makeTemporaryFolder(), "adapter");
      await saveAdapter(model, folder);
      await trainer.accumulate(batchOfAll());
      await trainer.apply(0.1);
      await restoreWeights(model, folder);
      expect(await trainableTensors(model)).toEqual(after);
    });
  });

  test("start without effect, beside the model that they are attached to", async () => {
    await withEngine(choice, async (engine) => {
      const base = await loadLanguageModel(engine, BASE);
      const adapted = await attachLora(base, { rank: 2, alpha: 4, base: BASE }, { seed: 3 });
      const request = { promptTokens: Int32Array.of(3, 14, 15, 9), prompt: 0, sample: 0 };
      const options = { decoding: { kind: "greedy" }, maxNewTokens: 12, seed: 0, step: 0, eosTokenIds: [] } as const;
      const [[one], [other]] = [await generate(base, [request], options), await generate(adapted, [request], options)];
      expect(other!.tokens).toEqual(one!.tokens);
      expect(adapted.trainable.length).toBe(base.config.layers * (4 + 7));
      const [down] = adapted.trainable;
      const values = (await engine.read(down!.variable)) as Float32Array;
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
      expect(Math.abs(deviation * Math.sqrt(3 * 32) - 1)).toBeLessThan(5 / Math.sqrt(2 * values.length));
    });
  });
});

test("are written as PEFT's files", async () => {
  await withEngine(ENGINES[0], async (engine) => {
    const model = await attachLora(await loadLanguageModel(engine, BASE), LORA, { seed: 1 });
    const folder = join(makeTemporaryFolder(), "adapter");
    await saveAdapter(model, folder);
    const theirs = await readJsonFile(join(ADAPTER, "adapter_config.json"));
    const ours = await readJsonFile(join(folder, "adapter_config.json"));
    const wanted = Object.fromEntries(Object.keys(ours).map((key) => [key, theirs[key]]));
    expect({ ...ours, target_modules: null, base_model_name_or_path: null }).toEqual({
      ...wanted,
      target_modules: null,
      base_model_name_or_path: null,
    });
    const [their, our] = await Promise.all([ADAPTER, folder].map((path) => openSafetensors(join(path, "adapter_model.safetensors"))));
    const shapes = (file: typeof their) => [...file!.tensors].map(([name, { shape }]) => `${name} ${shape.join("x")}`).toSorted();
    expect(shapes(our)).toEqual(shapes(their));
    await Promise.all([their!.close(), our!.close()]);
  });
});

test.each<[Record<string, unknown>, string]>([
  [{ peft_type: "IA3" }, 'adapter_config.json: peft_type must be "LORA", got "IA3"'],
  [{ use_dora: true }, "adapter_config.json: use_dora must be false (nothing else is supported), got true"],
  [{ rank_pattern: { q_proj: 8 } }, "adapter_config.json: rank_pattern must be empty (nothing else is supported)"],
  [{ target_modules: ["lm_head"] }, "adapter_config.json: target_modules must be some of q_proj, k_proj, v_proj, o_proj"],
  [
    { base_model_name_or_path: null },
    "adapter_config.json: base_model_name_or_path must be the folder or name of the base model, got null",
  ],
])("refused: %o", async (change, message) => {
  const json = { ...(await readJsonFile(join(ADAPTER, "adapter_config.json"))), ...change };
  expect(() => parseAdapterConfig(json, "adapter_config.json")).toThrow(ConfigError);
  expect(() => parseAdapterConfig(json, "adapter_config.json")).toThrow(message);
});
